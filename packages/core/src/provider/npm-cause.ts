import { legible } from '../base/legible.ts';

/** Finds in npm's output why it failed. Holds a bounded part of it, however much npm prints. */
export interface NpmCause {
  /** Takes the next line that npm printed. */
  add(this: void, line: string): void;
  /**
   * Returns what npm gave as its reason, a line for each fact, or `end` and its last lines where it gave none.
   *
   * @param end How npm ended, as a sentence.
   */
  failure(this: void, end: string): string;
  /** Returns what could not be unpacked, if anything. npm warns of that, leaves the file out and ends with 0. */
  unpackFailure(this: void): string | undefined;
}

/** npm puts its reason first and pages of usage text or a stack behind it, so the first lines count. */
const MOST_ERROR_LINES = 200;
const MOST_CAUSE_LINES = 12;
const MOST_LAST_LINES = 12;
const MOST_CHARACTERS = 500;

export function createNpmCause(): NpmCause {
  const errors: string[] = [];
  const lastLines: string[] = [];
  let errorCount = 0;
  let unpackFailure: string | undefined;

  return {
    add: (printed) => {
      const line = legible(printed.slice(0, MOST_CHARACTERS)).trimEnd();
      const error = ERROR_LINE.exec(line)?.groups?.['text']?.slice(1);
      unpackFailure ??= UNPACK_WARNING.exec(line)?.groups?.['text'];
      if (error !== undefined) {
        errorCount += 1;
        if (errors.length < MOST_ERROR_LINES) errors.push(error);
      } else if (line !== '' && !HTTP_LINE.test(line)) {
        lastLines.push(line);
        if (lastLines.length > MOST_LAST_LINES) lastLines.shift();
      }
    },
    failure: (end) => {
      const reasons = withoutUsage(errors).filter((line) => !NOISE.test(line));
      if (reasons.length === 0) return [end, ...lastLines].join('\n');
      const others = reasons.length - MOST_CAUSE_LINES + (errorCount - errors.length);
      const more = others > 0 ? [`… and ${others} more lines.`] : [];
      return [...reasons.slice(0, MOST_CAUSE_LINES), ...more].join('\n');
    },
    unpackFailure: () => unpackFailure && `A file could not be unpacked: ${unpackFailure}`,
  };
}

/** `npm ERR!` before npm 10. The text begins with a blank, unless it is empty. */
const ERROR_LINE = /^npm (?:error|ERR!)(?<text> .*|)$/;
const UNPACK_WARNING = /^npm (?:warn|WARN) tar TAR_ENTRY_ERROR (?<text>.*)$/;
const HTTP_LINE = /^npm http /;

/** Where its log is, the frames of a stack, the properties of an error as `util.inspect` prints them, lines that are empty but for npm's tag. */
const NOISE = /^(?:Log files were not written|A complete log of this run|\s+at |\s+\w+: .*,?$|}|\s*\w*$)/;

/** Cuts the usage text off, with the one line above it that says what the command is for. */
function withoutUsage(lines: readonly string[]): readonly string[] {
  const usage = lines.indexOf('Usage:');
  if (usage < 0) return lines;
  const summary = lines.slice(0, usage).findLastIndex((line, index) => line !== '' && lines[index - 1] === '');
  return lines.slice(0, summary < 0 ? usage : summary);
}

/** How a process ended: by itself, by a signal, or before it began. */
export interface NpmEnd {
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** Of the system, where npm could not be run. */
  readonly originalMessage?: string | undefined;
}

/** How npm ended, as a sentence. It leaves out the command line, which is long in a sandbox. */
export function endOfNpm(result: NpmEnd): string {
  if (result.exitCode !== undefined) return `npm ended with exit code ${result.exitCode}.`;
  if (result.signal !== undefined) return `npm was ended by ${result.signal}.`;
  return `npm could not be run: ${result.originalMessage ?? 'nothing more is known'}.`;
}
