import type { ToolPolicy } from '../contracts/prompt-event.ts';

/**
 * What to tell the user of a prompt that runs with another tool policy than it asked for. A CLI that may not write says only
 * that it cannot. `undefined` for a prompt that gets what it asked for, or asked for none.
 *
 * @param planned What the plugins made of it, before the ceiling was applied.
 */
export function describeChangedTools(
  asked: ToolPolicy | undefined,
  planned: ToolPolicy,
  used: ToolPolicy,
): string | undefined {
  if (asked === undefined || asked === used) return undefined;
  const reason =
    planned === used ? `a plugin of this server chose \`${used}\`` : `this server allows at most \`${used}\``;
  return `The prompt asked for the tool policy \`${asked}\`, but ${reason}: it runs with that.`;
}
