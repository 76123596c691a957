import { randomUUID } from 'node:crypto';

import { SallyportError, toSallyportError } from '../errors.ts';
import { followJournal } from '../journal-stream.ts';
import type { CliMachines } from '../machine/cli-machines.ts';
import type { Provider } from '../provider/provider.ts';
import type { Runtime } from '../runtime.ts';
import type { JournalEntry, PromptRecord } from '../store/store.ts';
import type { PromptEvent, ToolPolicy } from './event.ts';
import { runPrompt } from './run.ts';

export interface StartPrompt {
  readonly userId: string;
  readonly provider: string;
  readonly prompt: string;
  readonly conversationId?: string | undefined;
  readonly model?: string | undefined;
  readonly tools?: ToolPolicy | undefined;
}

export interface Prompts {
  /** Checks and writes the prompt, then runs it in the background: a reader may leave and come back. */
  start(request: StartPrompt): Promise<PromptRecord>;
  get(promptId: string): Promise<PromptRecord>;
  events(promptId: string, afterId: number, signal: AbortSignal): AsyncGenerator<JournalEntry<PromptEvent>>;
  cancel(promptId: string): Promise<void>;
  /** Ends every prompt of this process with the given error and waits. */
  endAll(error: () => SallyportError): Promise<void>;
}

const PAGE = 500;

export function createPrompts(runtime: Runtime, machines: CliMachines): Prompts {
  const live = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();

  async function start(request: StartPrompt): Promise<PromptRecord> {
    const provider = runtime.registry.get(request.provider);
    const { id, title } = provider.manifest;
    checkPrompt(request.prompt);
    const credential = await runtime.store.credentials.current(request.userId, id);
    if (!credential) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} is not connected.`);
    if (!credential.valid) throw new SallyportError('CREDENTIAL_INVALID', `${title} needs a new login.`);
    const promptId = randomUUID();
    const record = await runtime.store.prompts.create({ promptId, userId: request.userId, provider: id, conversationId: request.conversationId ?? null });
    runtime.emit({ type: 'prompt.started', userId: request.userId, promptId, provider: id });
    const abort = new AbortController();
    const done = run(record, provider, request, abort.signal).finally(() => live.delete(promptId));
    live.set(promptId, { abort, done });
    return record;
  }

  function checkPrompt(prompt: string): void {
    if (prompt.trim() === '') throw new SallyportError('REQUEST_INVALID', 'The prompt is empty.', { hint: 'Send some text in `prompt`.' });
    const bytes = Buffer.byteLength(prompt);
    const limit = runtime.settings.maxPromptBytes;
    if (bytes > limit) throw new SallyportError('PROMPT_TOO_LARGE', `The prompt has ${bytes} bytes; the limit is ${limit}.`);
  }

  async function run(record: PromptRecord, provider: Provider, request: StartPrompt, signal: AbortSignal): Promise<void> {
    const { promptId, userId } = record;
    const view = { promptId, userId, provider: record.provider };
    let ended = false;
    const write = async (events: readonly PromptEvent[]): Promise<void> => {
      if (ended || events.length === 0) return;
      const seen = events.map((event) => runtime.hooks.promptEvent(event, view));
      await runtime.store.prompts.append(promptId, seen);
      runtime.bell.ring(promptTopic(promptId));
      const end = seen.find((event) => event.type === 'prompt-end');
      if (!end) return;
      ended = true;
      runtime.emit({ type: 'prompt.ended', userId, promptId, provider: record.provider, outcome: end.outcome });
    };
    try {
      await write([{ type: 'prompt-start', promptId, provider: record.provider }]);
      await runPrompt(runtime, machines, { provider, request, promptId, write, signal });
    } catch (thrown) {
      const error = endError(thrown, signal);
      const outcome = error.code === 'PROMPT_CANCELLED' ? 'cancelled' : 'failed';
      await write([{ type: 'prompt-end', outcome, code: error.code, message: error.message, hint: error.hint }]).catch((problem: unknown) =>
        runtime.reportBackground('ending a prompt', problem),
      );
    }
  }

  async function get(promptId: string): Promise<PromptRecord> {
    const record = await runtime.store.prompts.get(promptId);
    if (!record) throw new SallyportError('PROMPT_UNKNOWN', 'There is no such prompt.');
    return record;
  }

  return {
    start,
    get,
    events: (promptId, afterId, signal) =>
      followJournal(runtime.bell, {
        topic: promptTopic(promptId),
        afterId,
        signal,
        read: (after) => runtime.store.prompts.events(promptId, after, PAGE),
        isLast: (event) => event.type === 'prompt-end',
      }),
    cancel: async (promptId) => {
      await get(promptId);
      const running = live.get(promptId);
      running?.abort.abort(new SallyportError('PROMPT_CANCELLED', 'The prompt was cancelled.'));
      await running?.done;
    },
    endAll: async (error) => {
      const running = [...live.values()];
      for (const { abort } of running) abort.abort(error());
      await Promise.all(running.map(({ done }) => done));
    },
  };
}

function promptTopic(promptId: string): string {
  return `prompt:${promptId}`;
}

function endError(thrown: unknown, signal: AbortSignal): SallyportError {
  if (signal.aborted && SallyportError.isInstance(signal.reason)) return signal.reason;
  return toSallyportError(thrown, 'PROMPT_FAILED', 'The prompt could not be run.');
}
