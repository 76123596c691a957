import { createEventRedactor } from '../redaction/event-redactor.ts';
import { createSerialQueue } from '../base/serial-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { NewPrompt, PromptRecord } from '../contracts/store.ts';
import { untilStored } from '../base/until-stored.ts';
import type { ProjectSettings, PromptEvent } from '../contracts/prompt-event.ts';

/** What is written down of one prompt, in the order of the calls, up to the first `prompt-end`. */
export interface PromptJournal {
  /** The prompt once it is written, with its first event; rejects where it could not be. */
  readonly record: Promise<PromptRecord>;
  /**
   * Shows events to the plugins and stores them. What comes while a write is under way is stored together by the next. A
   * write that holds the end is repeated while the store is away: the store takes nothing after an end, so it cannot come
   * twice. Others fail then, and with them the prompt.
   */
  write(events: readonly PromptEvent[]): Promise<void>;
  /**
   * The same, without waiting until the events are stored, unless {@link MOST_WAITING} wait already. If that fails, every
   * later write throws what it failed with, except that of an end: a prompt that failed is noted as such, without the events
   * that were still waiting. It is not noted as completed.
   */
  add(events: readonly PromptEvent[]): Promise<void>;
  /** Keeps these values out of every event written from now on: neither plugins nor the store see them. */
  hide(secrets: Iterable<string>): void;
}

/** Events of one prompt that wait to be stored, before the caller has to wait. */
const MOST_WAITING = 64;

interface Batch {
  readonly events: PromptEvent[];
  readonly stored: Promise<void>;
}

/** Writes a new prompt, and returns at once: what needs no journal can be done meanwhile. */
export function beginPromptJournal(
  runtime: Runtime,
  prompt: NewPrompt,
  projectSettings?: ProjectSettings,
): PromptJournal {
  const { promptId, userId, provider } = prompt;
  const view = { promptId, userId, provider };
  const first = runtime.hooks.promptEvent({ type: 'prompt-start', promptId, provider }, view);
  /** `undefined` while it is not known what is stored, as after a write that failed. */
  let lastId: number | undefined;
  const started = runtime.noteEvent({
    type: 'prompt.started',
    userId,
    promptId,
    provider,
    ...(projectSettings === 'use' && { projectSettings }),
  });
  const record = runtime.store.prompts.create(prompt, first, started.audit).then((written) => {
    started.announce();
    runtime.journalFeed.publish(promptTopic(promptId), { after: 0, entries: [written.entry] });
    lastId = written.entry.id;
    return written.prompt;
  });
  record.catch(() => undefined);
  const enqueue = createSerialQueue();
  const redactor = createEventRedactor();
  let ended = false;

  /** What arrived while a write was under way. */
  let next: Batch | undefined;
  /** The first of events that nobody waited for. What comes after them would leave a gap. */
  let failure: { readonly error: unknown } | undefined;

  function write(added: readonly PromptEvent[]): Promise<void> {
    if (next) {
      next.events.push(...added);
      return next.stored;
    }
    const events = [...added];
    const stored = enqueue(() => {
      next = undefined;
      return append(events);
    });
    next = { events, stored };
    return stored;
  }

  async function add(events: readonly PromptEvent[]): Promise<void> {
    if (failure) throw failure.error;
    const stored = write(events);
    stored.catch((error: unknown) => (failure ??= { error }));
    if ((next?.events.length ?? 0) >= MOST_WAITING) await stored;
  }

  async function append(events: readonly PromptEvent[]): Promise<void> {
    await record;
    if (ended) return;
    if (failure && !events.some(isEndWithoutAll)) throw failure.error;
    const redacted = events.flatMap((event) => redactor.take(event));
    const seen = (failure ? redacted.filter(isEndWithoutAll) : redacted).map(show);
    if (seen.length === 0) return;
    const end = seen.find((event) => event.type === 'prompt-end');
    const after = lastId;
    lastId = undefined;
    const ending =
      end?.type === 'prompt-end'
        ? runtime.noteEvent({
            type: 'prompt.ended',
            userId,
            promptId,
            provider,
            outcome: end.outcome,
            ...(end.code !== undefined && { code: end.code }),
          })
        : undefined;
    const store = () => runtime.store.prompts.append(promptId, seen, ending?.audit);
    const entries = await (end ? untilStored(runtime.clock, runtime.closing, store) : store());
    lastId = entries.at(-1)?.id;
    runtime.journalFeed.publish(promptTopic(promptId), {
      // Fewer were taken if an append that seemed to fail was stored after all.
      after: entries.length === seen.length ? after : undefined,
      entries,
    });
    if (!ending) return;
    ended = true;
    ending.announce();
  }

  function show(event: PromptEvent): PromptEvent {
    if (event.type !== 'prompt-end') return runtime.hooks.promptEvent(event, view);
    try {
      return runtime.hooks.promptEvent(event, view);
    } catch (error) {
      // Without its end, the prompt would seem to run for ever.
      runtime.reportBackground('a plugin that saw the end of a prompt', error);
      return { type: 'prompt-end', outcome: event.outcome, code: 'PLUGIN_FAILED' };
    }
  }

  return { record, write, add, hide: (secrets) => redactor.hide(secrets) };
}

/** An end that is true of a prompt whose last events were not stored. */
function isEndWithoutAll(event: PromptEvent): boolean {
  return event.type === 'prompt-end' && event.outcome !== 'completed';
}

export function promptTopic(promptId: string): string {
  return `prompt:${promptId}`;
}
