import type { ProjectSettings, ToolPolicy } from '../contracts/prompt-event.ts';

export interface StartPrompt {
  /** Id of the new prompt, a UUID. Default: a random one. */
  readonly promptId?: string | undefined;
  readonly userId: string;
  readonly provider: string;
  readonly prompt: string;
  readonly conversationId?: string | undefined;
  readonly model?: string | undefined;
  readonly tools?: ToolPolicy | undefined;
  /** Default: `ignore`. `use` needs `ceiling.projectSettings: 'use'`, and a provider whose manifest says how. */
  readonly projectSettings?: ProjectSettings | undefined;
}
