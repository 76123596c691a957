/**
 * What a fake model does is scripted by what the prompt contains: `[[write FILE: TEXT]]`, `[[read FILE]]` and
 * `[[run COMMAND]]` run a command through the CLI's own shell tool, `[[slow N]]` streams N words with pauses, anything else is answered with a
 * sentence that repeats the prompt. These are the two halves of that script.
 */

/** The answer to a prompt that runs no command. */
export function plainAnswer(prompt: string): { readonly text: string; readonly wordDelayMs?: number } {
  const slow = /\[\[slow (?<words>\d{1,5})\]\]/.exec(prompt)?.groups?.['words'];
  if (slow !== undefined) {
    const words = Array.from({ length: Number(slow) }, (_, index) => `word${index + 1}`);
    return { text: words.join(' '), wordDelayMs: 100 };
  }
  const heard = prompt.length > 200 ? `${prompt.slice(0, 200)}… (${prompt.length} characters)` : prompt;
  return { text: `Hello from the practice model. You said: ${heard}` };
}

/** The command a prompt asks for, and what is said of its output. */
export function scriptedCommand(prompt: string): { command: string; report: (output: string) => string } | undefined {
  const write = /\[\[write (?<file>[\w.-]+): (?<text>[^\]]*)\]\]/.exec(prompt)?.groups;
  if (write) {
    const [file = '', text = ''] = [write['file'], write['text']];
    return {
      command: `printf '%s\\n' '${text.replaceAll("'", `'\\''`)}' > ./${file} && echo written`,
      report: (output) =>
        output.includes('written') ? `I have written ${file}.` : `I could not write ${file}:\n${output}`,
    };
  }
  const command = /\[\[run (?<command>[^\]]+)\]\]/.exec(prompt)?.groups?.['command'];
  if (command !== undefined) return { command, report: (output) => `The command says:\n${output}` };
  const file = /\[\[read (?<file>[\w.-]+)\]\]/.exec(prompt)?.groups?.['file'];
  return file === undefined
    ? undefined
    : { command: `cat ./${file}`, report: (output) => `The file ${file} says:\n${output}` };
}
