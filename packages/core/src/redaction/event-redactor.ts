import type { PromptEvent } from '../contracts/prompt-event.ts';
import { createSecretFilter } from './secret-filter.ts';
import type { SecretFilter } from './secret-filter.ts';

/**
 * Takes secrets out of the events of one prompt. `text` and `reasoning` are read as a whole each, so that a secret is
 * found wherever their pieces cut it. What may be the beginning of a secret waits for the next piece, at most to the end
 * of the message: the next event that is neither a piece of the same kind nor a remark from beside it.
 */
export interface EventRedactor {
  /** Adds secrets. Events that were taken before are not changed. Past {@link MOST_SECRETS}, more are ignored. */
  hide(secrets: Iterable<string>): void;
  /** Returns what to show now, in order. */
  take(event: PromptEvent): readonly PromptEvent[];
}

type Piece = Extract<PromptEvent, { type: 'text' | 'reasoning' }>;

/** A machine may bring new versions of a credential as often as it likes, and each secret costs time. */
const MOST_SECRETS = 100;

export function createEventRedactor(): EventRedactor {
  const secrets = new Set<string>();
  const streams: Readonly<Record<Piece['type'], SecretFilter>> = {
    text: createSecretFilter(),
    reasoning: createSecretFilter(),
  };
  const whole = createSecretFilter();

  function flush(type: Piece['type']): readonly PromptEvent[] {
    const text = streams[type].flush();
    return text === '' ? [] : [{ type, text }];
  }

  const redact = (text: string): string => whole.push(text) + whole.end();

  return {
    hide: (values) => {
      for (const value of values) {
        if (secrets.size >= MOST_SECRETS) return;
        secrets.add(value);
        for (const filter of [streams.text, streams.reasoning, whole]) filter.add(value);
      }
    },
    take: (event) => {
      if (event.type === 'text' || event.type === 'reasoning') {
        const shown = streams[event.type].push(event.text);
        const before = flush(event.type === 'text' ? 'reasoning' : 'text');
        return shown === '' && event.text !== '' ? before : [...before, { ...event, text: shown }];
      }
      const clean = redactStrings(event, redact);
      // These come from beside the message, in the midst of a word too.
      if (event.type === 'notice' || event.type === 'machine') return [clean];
      return [...flush('reasoning'), ...flush('text'), clean];
    },
  };
}

/** Every string but those that we write ourselves. */
function redactStrings(event: Exclude<PromptEvent, Piece>, redact: (text: string) => string): PromptEvent {
  switch (event.type) {
    case 'machine':
    case 'notice':
      return { ...event, message: redact(event.message) };
    case 'conversation':
      return { ...event, conversationId: redact(event.conversationId) };
    case 'tool-start':
      return { ...event, toolId: redact(event.toolId), name: redact(event.name), input: redact(event.input) };
    case 'tool-end':
      return { ...event, toolId: redact(event.toolId), name: redact(event.name), output: redact(event.output) };
    case 'prompt-end':
      return redactEnd(event, redact);
    default:
      return event;
  }
}

function redactEnd(
  { type, outcome, ...words }: Extract<PromptEvent, { type: 'prompt-end' }>,
  redact: (text: string) => string,
): PromptEvent {
  const clean = Object.entries(words).map(([name, text]) => [name, text === undefined ? text : redact(text)]);
  return { type, outcome, ...Object.fromEntries(clean) };
}
