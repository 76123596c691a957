/**
 * What a fake model does is scripted by what the prompt contains: `[[write FILE: TEXT]]`, `[[read FILE]]` and
 * `[[run COMMAND]]` run a command through the CLI's own shell tool (`[[background COMMAND]]` asks Claude Code not to wait for it), `[[slow N]]` streams N words with pauses, anything else is answered with a
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

/** A command for the CLI's shell tool, and what is said of its output. */
export interface ScriptedCommand {
  readonly command: string;
  /** The CLI is asked to run it in the background, if it can. */
  readonly inBackground: boolean;
  readonly report: (output: string) => string;
}

/** The command a prompt asks for. */
export function scriptedCommand(prompt: string): ScriptedCommand | undefined {
  const write = /\[\[write (?<file>[\w.-]+): (?<text>[^\]]*)\]\]/.exec(prompt)?.groups;
  if (write) {
    const [file = '', text = ''] = [write['file'], write['text']];
    return {
      inBackground: false,
      command: `printf '%s\\n' '${text.replaceAll("'", `'\\''`)}' > ./${file} && echo written`,
      report: (output) =>
        output.includes('written') ? `I have written ${file}.` : `I could not write ${file}:\n${output}`,
    };
  }
  const run = /\[\[(?<how>run|background) (?<command>[^\]]+)\]\]/.exec(prompt)?.groups;
  if (run) {
    const { how, command = '' } = run;
    return { command, inBackground: how === 'background', report: (output) => `The command says:\n${output}` };
  }
  const file = /\[\[read (?<file>[\w.-]+)\]\]/.exec(prompt)?.groups?.['file'];
  return file === undefined
    ? undefined
    : { command: `cat ./${file}`, inBackground: false, report: (output) => `The file ${file} says:\n${output}` };
}
