import type { Terminal } from '@xterm/headless';

/** Longest link target kept, and how many. Links beyond are of no use: the URL guard refuses longer ones. */
const LONGEST_LINK = 8192;
const MOST_LINKS = 200;

/** Largest repetition obeyed; no terminal of ours is larger in either direction. */
const MOST_REPETITIONS = 4000;

/**
 * Collects the targets of OSC 8 hyperlinks in order of first appearance
 * (https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda). The parser hands over whole sequences,
 * so a chunk boundary inside a link cannot cut it.
 */
export function collectLinks(terminal: Terminal, links: Set<string>): void {
  terminal.parser.registerOscHandler(8, (data) => {
    const separator = data.indexOf(';');
    const target = data.slice(separator + 1);
    if (separator >= 0 && target !== '' && target.length <= LONGEST_LINK && links.size < MOST_LINKS) links.add(target);
    return true;
  });
}

/** How many copied texts are kept. */
const MOST_COPIES = 20;

/** Collects what the CLI puts on the clipboard (OSC 52). A request to read the clipboard is not answered. */
export function collectCopies(terminal: Terminal, copies: Set<string>): void {
  terminal.parser.registerOscHandler(52, (data) => {
    const encoded = data.slice(data.indexOf(';') + 1);
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length > 2 * LONGEST_LINK) return true;
    const text = Buffer.from(encoded, 'base64').toString('utf8').trim();
    if (text !== '' && copies.size < MOST_COPIES) copies.add(text);
    return true;
  });
}

/**
 * Answers the queries that a terminal with a window would answer and the headless one does not: default
 * colours (OSC 10 and 11, light grey on black) and the kitty keyboard flags (none). Device attributes, status
 * and cursor position are answered by the emulator itself.
 */
export function answerQueries(terminal: Terminal, reply: (text: string) => void): void {
  const colours: Readonly<Record<number, string>> = { 10: 'rgb:d0d0/d0d0/d0d0', 11: 'rgb:0000/0000/0000' };
  for (const first of [10, 11]) {
    terminal.parser.registerOscHandler(first, (data) => {
      // `OSC 10 ; ? ; ?` asks for 10 and 11 at once.
      for (const [offset, item] of data.split(';').entries()) {
        const colour = colours[first + offset];
        if (item === '?' && colour) reply(`\u001b]${first + offset};${colour}\u001b\\`);
      }
      return true;
    });
  }
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'u' }, () => {
    reply('\u001b[?0u');
    return true;
  });
}

/** xterm obeys `CSI 2147483647 S` one line at a time; without a limit ten bytes stop the process for hours. */
export function limitRepetition(terminal: Terminal): void {
  for (const final of ['b', 'S', 'T', 'L', 'M', 'I', 'Z', '^', '@', 'P', 'X']) {
    terminal.parser.registerCsiHandler({ final }, ([count]) => typeof count === 'number' && count > MOST_REPETITIONS);
  }
}
