import { SallyportError } from '../base/errors.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import type { WriteAudit } from './memory-audit.ts';
import { lastConversationId } from '../contracts/conversation-id.ts';
import type { EndedRecords } from './memory-history.ts';
import { isOfHost } from './is-of-host.ts';
import { memoryConversations } from './memory-conversations.ts';
import { createMemoryJournal } from './memory-journal.ts';
import { memoryPage } from './memory-page.ts';
import type { PromptRecord, PromptStore } from '../contracts/store.ts';

export function memoryPrompts(now: () => Date, writeAudit: WriteAudit): PromptStore & { readonly ended: EndedRecords } {
  const prompts = new Map<string, PromptRecord>();
  const journal = createMemoryJournal<PromptEvent>();
  const ofUser = (userId: string): readonly PromptRecord[] =>
    [...prompts.values()].filter((prompt) => prompt.userId === userId);

  return {
    create: async (prompt, first, audit) => {
      if (prompts.has(prompt.promptId)) {
        throw new SallyportError('STORE_CONFLICT', `There is a prompt ${prompt.promptId} already.`);
      }
      const record: PromptRecord = {
        ...prompt,
        status: 'running',
        errorCode: null,
        createdAt: now(),
        endedAt: null,
      };
      prompts.set(prompt.promptId, record);
      writeAudit(audit);
      return { prompt: structuredClone(record), entry: journal.append(prompt.promptId, first) };
    },
    get: async (promptId) => structuredClone(prompts.get(promptId)),
    append: async (promptId, events, audit) => {
      const prompt = prompts.get(promptId);
      if (!prompt) throw new SallyportError('PROMPT_UNKNOWN', `There is no prompt ${promptId}.`);
      if (prompt.status !== 'running') return [];
      const end = events.findIndex(({ type }) => type === 'prompt-end');
      const taken = end === -1 ? events : events.slice(0, end + 1);
      const last = taken.at(-1);
      prompts.set(promptId, {
        ...prompt,
        conversationId: lastConversationId(taken) ?? prompt.conversationId,
        ...(last?.type === 'prompt-end' && { status: last.outcome, errorCode: last.code ?? null, endedAt: now() }),
      });
      writeAudit(audit);
      return taken.map((event) => journal.append(promptId, event));
    },
    events: async (promptId, afterId, limit) => journal.after(promptId, afterId, limit),
    ended: {
      list: () =>
        [...prompts.values()].flatMap(({ promptId: id, userId, provider, endedAt }) =>
          endedAt ? [{ id, userId, provider, endedAt }] : [],
        ),
      erase: (promptId) => {
        prompts.delete(promptId);
        journal.erase(promptId);
      },
    },
    list: async (query) => memoryPage(ofUser(query.userId), ({ promptId }) => promptId, query),
    conversations: async (query) => memoryConversations(ofUser(query.userId), query),
    running: async (filter) =>
      structuredClone(
        [...prompts.values()].filter((prompt) => prompt.status === 'running' && isOfHost(prompt, filter)),
      ),
  };
}
