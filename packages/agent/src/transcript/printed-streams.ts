/** Characters that belong together on the screen, and where each stands in the recorded bytes. */
export interface PrintedStream {
  readonly characters: string;
  readonly offsets: readonly number[];
}

/**
 * Takes a recording apart: the text with everything left out that may interrupt a value (escape sequences, line
 * ends, indentation, frames), and the contents of each operating system command, such as the target of a hyperlink.
 * A last stream has what all commands carry, since some CLIs cut a long one into several.
 * Bytes are read as Latin-1, so that an index is an offset; what is looked for is ASCII.
 */
export function printedStreams(text: string): readonly PrintedStream[] {
  const commands: PrintedStream[] = [];
  const visible: { characters: string[]; offsets: number[] } = { characters: [], offsets: [] };
  for (const { index, groups, 0: whole } of text.matchAll(pieces)) {
    const content = groups?.['command'];
    if (content !== undefined) {
      const start = index + 2;
      commands.push({ characters: content, offsets: Array.from(content, (_, position) => start + position) });
    } else if (groups?.['text'] !== undefined) {
      visible.characters.push(whole);
      visible.offsets.push(index);
    }
  }
  const all = { characters: visible.characters.join(''), offsets: visible.offsets };
  return commands.length < 2 ? [all, ...commands] : [all, ...commands, joined(commands)];
}

/** What is behind the parameters of each command: GNU screen takes OSC 52 in pieces, and kitty an image. */
function joined(commands: readonly PrintedStream[]): PrintedStream {
  const carried = commands.map(({ characters, offsets }) => {
    const start = characters.lastIndexOf(';') + 1;
    return { characters: characters.slice(start), offsets: offsets.slice(start) };
  });
  return {
    characters: carried.map(({ characters }) => characters).join(''),
    offsets: carried.flatMap(({ offsets }) => offsets),
  };
}

/**
 * ECMA-48 §5.6 (strings), §5.4 (control sequences), §5.3 (the rest); one printable character; anything else is skipped.
 * The first two may begin with a control character of eight bits, which UTF-8 writes as two bytes.
 */
const pieces =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001b[\]PX^_]|\u00c2[\u0090\u0098\u009d-\u009f])(?<command>(?:(?!\u00c2\u009c)[^\u0007\u001b])*)(?:\u0007|\u001b\\|\u00c2\u009c)?|(?:\u001b\[|\u00c2\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]|(?<text>[!-~])/g;
