import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import { orAborted } from '../base/serial-queue.ts';
import { createFairQueue } from './fair-queue.ts';
import type { FairQueue } from './fair-queue.ts';
import type { MachineWork, QueueSettings, Turn, WorkQueue } from '../contracts/work-queue.ts';

interface Waiting {
  readonly work: MachineWork;
  readonly begin: () => void;
  readonly onPosition: ((position: number) => void) | undefined;
  told: number;
}

/**
 * Starting and ending have a lane each: a start may wait until another machine has gone to sleep, which
 * must not wait for the start.
 */
interface Lane {
  readonly line: FairQueue<Waiting>;
  running: number;
}

/** What a start takes until one has been measured. */
const FIRST_GUESS_MS = 2_000;
/** How much the newest start counts in the mean. */
const WEIGHT = 0.2;
const LONGEST_RETRY_S = 60;

/** The work queue of a server that does everything itself. */
export function createInProcessQueue(options: {
  readonly clock: Clock;
  readonly settings: QueueSettings;
  /** From 0 up to 1: spreads out when those who were refused come back. */
  readonly random: () => number;
}): WorkQueue {
  const { clock, settings, random } = options;
  const starting: Lane = { line: createFairQueue(), running: 0 };
  const ending: Lane = { line: createFairQueue(), running: 0 };
  const busy = new Set<string>();
  let meanMs = FIRST_GUESS_MS;

  function letIn(lane: Lane): void {
    while (lane.running < settings.atOnce) {
      const next = lane.line.take(({ work }) => !busy.has(work.machineId));
      if (!next) break;
      lane.running += 1;
      busy.add(next.work.machineId);
      next.begin();
    }
  }

  function tellPositions(): void {
    for (const [index, entry] of starting.line.inOrder().entries()) {
      const position = index + 1;
      if (!isNews(position, entry.told)) continue;
      entry.told = position;
      entry.onPosition?.(position);
    }
  }

  function update(): void {
    letIn(starting);
    letIn(ending);
    tellPositions();
  }

  function check(): void {
    const { length } = starting.line;
    if (length >= settings.maxWaiting) throw full(`${length} machines wait to be started already`);
  }

  function full(why: string): SallyportError {
    return new SallyportError('MACHINE_CAPACITY', `This host is busy: ${why}.`, {
      details: { retryAfterSeconds: retryAfterSeconds() },
    });
  }

  function retryAfterSeconds(): number {
    const ahead = starting.line.length + starting.running;
    const seconds = ((ahead + 1) * meanMs) / settings.atOnce / 1000;
    return Math.ceil(Math.min(LONGEST_RETRY_S, Math.max(1, seconds)) * (1 + random() / 2));
  }

  async function takeTurn(lane: Lane, work: MachineWork, { signal, onPosition }: Turn): Promise<void> {
    signal?.throwIfAborted();
    const isStart = lane === starting;
    const turn = Promise.withResolvers<void>();
    let begun = false;
    const begin = (): void => {
      begun = true;
      turn.resolve();
    };
    const entry: Waiting = { work, begin, onPosition, told: Infinity };
    lane.line.join(work.userId, entry);
    letIn(lane);
    if (begun) return;
    if (isStart && lane.line.length > settings.maxWaiting) {
      lane.line.leave(entry);
      check();
    }
    tellPositions();
    if (!isStart) return turn.promise;
    const late = (): SallyportError => full(`no machine could be started for ${settings.waitMs / 1000} s`);
    using deadline = clock.deadline(settings.waitMs, late, signal);
    try {
      await orAborted(deadline.signal, turn.promise);
    } catch (error) {
      lane.line.leave(entry);
      if (begun) leave(lane, work);
      else tellPositions();
      throw error;
    }
  }

  function leave(lane: Lane, { machineId }: MachineWork): void {
    lane.running -= 1;
    busy.delete(machineId);
    update();
  }

  return {
    run: async (work, turn, perform) => {
      const lane = work.kind === 'create' || work.kind === 'wake' ? starting : ending;
      await takeTurn(lane, work, turn);
      const began = clock.monotonic();
      try {
        return await perform();
      } finally {
        if (lane === starting) meanMs += WEIGHT * (clock.monotonic() - began - meanMs);
        leave(lane, work);
      }
    },
    check,
    retryAfterSeconds,
    isUnderWay: (machineId) => busy.has(machineId),
    load: () => ({ waiting: starting.line.length, underWay: starting.running + ending.running }),
  };
}

/** Each step of the last ten is told, and each ten of those before: every remark is written down for its user. */
function isNews(position: number, told: number): boolean {
  if (position >= told) return false;
  return told === Infinity || position <= 10 || position % 10 === 0;
}
