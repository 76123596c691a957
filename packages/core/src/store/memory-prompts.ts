import { SallyportError } from '../base/errors.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { EndedRecords } from './memory-history.ts';
import { isOfHost } from './is-of-host.ts';
import { createMemoryJournal } from './memory-journal.ts';
import type { PromptRecord, PromptStore } from '../contracts/store.ts';

export function memoryPrompts(now: () => Date, writeAudit: WriteAudit): PromptStore & { readonly ended: EndedRecords } {
  const prompts = new Map<string, PromptRecord>();
  const endings = new Map<string, Date>();
  const journal = createMemoryJournal<PromptEvent>();

  return {
    create: async (prompt, first, audit) => {
      if (prompts.has(prompt.promptId)) {
        throw new SallyportError('STORE_CONFLICT', `There is a prompt ${prompt.promptId} already.`);
      }
      const record: PromptRecord = { ...prompt, status: 'running', createdAt: now() };
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
      if (last?.type === 'prompt-end') {
        prompts.set(promptId, { ...prompt, status: last.outcome });
        endings.set(promptId, now());
      }
      writeAudit(audit);
      return taken.map((event) => journal.append(promptId, event));
    },
    events: async (promptId, afterId, limit) => journal.after(promptId, afterId, limit),
    ended: {
      list: () =>
        [...endings].flatMap(([id, endedAt]) => {
          const prompt = prompts.get(id);
          return prompt ? [{ id, userId: prompt.userId, provider: prompt.provider, endedAt }] : [];
        }),
      erase: (promptId) => {
        prompts.delete(promptId);
        endings.delete(promptId);
        journal.erase(promptId);
      },
    },
    running: async (filter) =>
      structuredClone(
        [...prompts.values()].filter((prompt) => prompt.status === 'running' && isOfHost(prompt, filter)),
      ),
  };
}
