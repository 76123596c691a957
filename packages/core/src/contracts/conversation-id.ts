import type { PromptEvent } from './prompt-event.ts';

/** Ids that a prompt may name to continue a conversation. */
export const conversationIdPattern = /^[A-Za-z0-9._-]{1,128}$/;

/** The id that continues the conversation, as these events tell it last. `undefined` if they tell none that a prompt may name. */
export function lastConversationId(events: readonly PromptEvent[]): string | undefined {
  return events
    .flatMap((event) => (event.type === 'conversation' ? [event.conversationId] : []))
    .findLast((id) => conversationIdPattern.test(id));
}
