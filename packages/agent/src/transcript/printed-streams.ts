/** Characters that belong together on the screen, and where each stands in the recorded bytes. */
export interface PrintedStream {
  readonly characters: string;
  readonly offsets: readonly number[];
}

/**
 * Takes a recording apart: the text with everything left out that may interrupt a value (escape sequences, line
 * ends, indentation, frames), and the contents of each operating system command, such as the target of a hyperlink.
 * Bytes are read as Latin-1, so that an index is an offset; what is looked for is ASCII.
 */
export function printedStreams(text: string): readonly PrintedStream[] {
  const commands: PrintedStream[] = [];
  const visible: { characters: string[]; offsets: number[] } = { characters: [], offsets: [] };
  for (const { index, groups, 0: whole } of text.matchAll(pieces)) {
    const content = groups?.['command'];
    if (content !== undefined) {
      const start = index + whole.indexOf(content, 2);
      commands.push({ characters: content, offsets: Array.from(content, (_, position) => start + position) });
    } else if (groups?.['text'] !== undefined) {
      visible.characters.push(whole);
      visible.offsets.push(index);
    }
  }
  return [{ characters: visible.characters.join(''), offsets: visible.offsets }, ...commands];
}

/** ECMA-48 §5.6 (strings), §5.4 (control sequences), §5.3 (the rest); one printable character; anything else is skipped. */
const pieces =
  /\u001b[\]PX^_](?<command>[^\u0007\u001b]*)(?:\u0007|\u001b\\)?|\u001b\[[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]|(?<text>[!-~])/g;
