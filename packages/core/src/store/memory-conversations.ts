import type { ListPage, ListQuery } from '../contracts/listing.ts';
import type { ConversationRecord, PromptRecord } from '../contracts/store.ts';
import { memoryPage } from './memory-page.ts';

/** A page of the conversations that a user's prompts, oldest first, belong to. */
export function memoryConversations(prompts: readonly PromptRecord[], query: ListQuery): ListPage<ConversationRecord> {
  const conversations = new Map<string, ConversationRecord>();
  for (const { provider, conversationId, createdAt } of prompts) {
    if (conversationId === null) continue;
    const id = `${provider}/${conversationId}`;
    const known = conversations.get(id) ?? { conversationId, provider, createdAt, prompts: 0 };
    conversations.set(id, { ...known, lastPromptAt: createdAt, prompts: known.prompts + 1 });
  }
  return memoryPage(
    [...conversations.values()],
    ({ provider, conversationId }) => `${provider}/${conversationId}`,
    query,
  );
}
