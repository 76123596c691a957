import type { ToolPolicy } from '../contracts/prompt-event.ts';

export interface StartPrompt {
  readonly userId: string;
  readonly provider: string;
  readonly prompt: string;
  readonly conversationId?: string | undefined;
  readonly model?: string | undefined;
  readonly tools?: ToolPolicy | undefined;
}
