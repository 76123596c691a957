import type { HeadlessPrompt } from '../provider/headless-prompt.ts';

/**
 * The prompt as its CLI has to get it. A user who writes "/login does not work on my page" means the words, and not the
 * command of that name, so a prompt that begins like a command gets the prefix that makes it text.
 */
export function promptText({ commandEscape }: HeadlessPrompt, prompt: string): string {
  if (!commandEscape?.beginnings.some((beginning) => prompt.startsWith(beginning))) return prompt;
  return `${commandEscape.prefix}${prompt}`;
}
