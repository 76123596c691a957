import { ordinal } from '../admission/ordinal.ts';
import { SallyportError } from '../base/errors.ts';
import { orAborted } from '../base/serial-queue.ts';
import { AGENT_MAX_RUNS } from '../protocol/agent-api.ts';

/** Decides which prompts of a user's machine run. The others wait in the order of their arrival. */
export interface PromptPlaces {
  /** Takes a place or joins the line. Throws `MACHINE_BUSY`, with status 429, if the line is full. */
  join(userId: string): PromptPlace;
}

export interface PromptPlace {
  readonly isWaiting: boolean;
  /** For one that waits: resolves when it may run. Says where it stands, now and whenever that changes. */
  turn(signal: AbortSignal, onWait: (message: string) => void): Promise<void>;
  /** Gives the place up, or leaves the line. */
  leave(): void;
}

interface Entry {
  readonly begun: PromiseWithResolvers<void>;
  onWait: ((message: string) => void) | undefined;
}

/** A guess: nobody knows how long a prompt takes. */
const RETRY_AFTER_S = 10;

export function createPromptPlaces(options: {
  readonly maxWaiting: number;
  /** From 0 up to 1: spreads out when refused callers come back. */
  readonly random: () => number;
}): PromptPlaces {
  /** By user. The first ones run, the others wait. */
  const lines = new Map<string, Entry[]>();

  function join(userId: string): PromptPlace {
    const line = lines.get(userId) ?? [];
    if (line.length >= AGENT_MAX_RUNS + options.maxWaiting) throw full(line.length - AGENT_MAX_RUNS);
    lines.set(userId, line);
    const entry: Entry = { begun: Promise.withResolvers(), onWait: undefined };
    line.push(entry);
    admit(line);
    return {
      get isWaiting() {
        return line.indexOf(entry) >= AGENT_MAX_RUNS;
      },
      turn: async (signal, onWait) => {
        entry.onWait = onWait;
        onWait(describe(line.indexOf(entry) - AGENT_MAX_RUNS));
        await orAborted(signal, entry.begun.promise);
      },
      leave: () => leave(userId, line, entry),
    };
  }

  function leave(userId: string, line: Entry[], entry: Entry): void {
    const index = line.indexOf(entry);
    if (index === -1) return;
    line.splice(index, 1);
    if (line.length === 0) lines.delete(userId);
    admit(line);
    for (const [position, { onWait }] of line.slice(AGENT_MAX_RUNS).entries())
      if (AGENT_MAX_RUNS + position >= index) onWait?.(describe(position));
  }

  function full(waiting: number): SallyportError {
    const message = `Your machine runs ${AGENT_MAX_RUNS} prompts, and ${waiting} wait for it already.`;
    return new SallyportError('MACHINE_BUSY', message, {
      status: 429,
      hint: 'Send the prompt again after the number of seconds in Retry-After.',
      details: { retryAfterSeconds: Math.ceil(RETRY_AFTER_S * (1 + options.random() / 2)) },
    });
  }

  return { join };
}

function admit(line: readonly Entry[]): void {
  for (const { begun } of line.slice(0, AGENT_MAX_RUNS)) begun.resolve();
}

function describe(position: number): string {
  return `Your machine runs ${AGENT_MAX_RUNS} prompts. Yours is ${ordinal(position + 1)} in line.`;
}
