import { SallyportError } from '@sallyport/core';
import { newMachineId, orAborted } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { MachinePlan, UseSpareRoom } from '@sallyport/core/driver';

import { templateKey } from './facts.ts';
import type { TemplateFacts } from './facts.ts';
import type { Workshop } from './workshop.ts';

/** What a template is to be made for. */
export interface Wanted {
  readonly plan: MachinePlan;
  /** Name of the image. */
  readonly image: string;
  readonly certificateAuthority: string | undefined;
}

/** Has templates made where nobody waits for it: one at a time, when no machine is being started and there is room. */
export interface Maker {
  /** Returns at once. Nothing is done where one is being made already. */
  begin(facts: TemplateFacts, wanted: Wanted): void;
  /** From now on one is made in room that is lent. */
  readonly lendSpareRoom: (use: UseSpareRoom) => void;
  /** Calls off what is being made. */
  readonly close: () => Promise<void>;
}

export interface MakerOptions {
  readonly workshop: Pick<Workshop, 'shelf' | 'make'>;
  readonly clock: Clock;
  /** Starts under way, which go first. */
  readonly starts: ReadonlySet<Promise<void>>;
  readonly log: (message: string) => void;
}

/** One for each set of CLIs that are missing in the image; each has the size of the machine's memory at most. */
const MOST_TEMPLATES = 3;
/** While one waits for room, machines that were there come and go: a login takes minutes. */
const ASK_FOR_ROOM_MS = 5_000;
const WAIT_FOR_ROOM_MS = 30 * 60_000;

const ownHost: UseSpareRoom = (work) => work.do(work.signal);

export function createMaker({ workshop, clock, starts, log }: MakerOptions): Maker {
  const { shelf } = workshop;
  const over = new AbortController();
  const { signal } = over;
  let useSpareRoom = ownHost;
  let making: Promise<void> | undefined;

  /** Never rejects. */
  async function make(facts: TemplateFacts, wanted: Wanted): Promise<void> {
    const until = clock.monotonic() + WAIT_FOR_ROOM_MS;
    try {
      while (!(await madeInRoom(facts, wanted, until))) await clock.sleep(ASK_FOR_ROOM_MS, signal);
      await makeRoomOnShelf(facts);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) log(`No template of browser machines was made: ${why}`);
    }
  }

  /** False: there is no room at the moment, or a user needed it meanwhile. */
  async function madeInRoom(facts: TemplateFacts, wanted: Wanted, until: number): Promise<boolean> {
    while (starts.size > 0) await orAborted(signal, Promise.allSettled(starts));
    if (await shelf.find(templateKey(facts))) return true;
    const { memoryMb, vcpus } = wanted.plan;
    // The room has a different name: no machine of that name is in any list.
    const id = newMachineId();
    const work = (called: AbortSignal): Promise<void> => workshop.make(facts, wanted, called);
    try {
      await useSpareRoom({ id, memoryMb, vcpus, signal, do: work });
      return true;
    } catch (error) {
      const isFull = SallyportError.isInstance(error) && error.code === 'MACHINE_CAPACITY';
      if (!isFull || clock.monotonic() > until) throw error;
      return false;
    }
  }

  /** Whatever has changed since is out of date, and of the rest the ones used last stay. */
  async function makeRoomOnShelf(made: TemplateFacts): Promise<void> {
    const all = (await shelf.list()).toSorted((one, other) => other.usedAt - one.usedAt);
    const versions = ['program', 'host', 'kernel', 'image', 'agent'] as const;
    const current = all.filter(({ facts }) => versions.every((name) => facts[name] === made[name]));
    const kept = new Set(current.slice(0, MOST_TEMPLATES));
    for (const template of all) if (!kept.has(template)) await shelf.remove(template.key);
  }

  return {
    begin: (facts, wanted) => {
      making ??= make(facts, wanted).finally(() => {
        making = undefined;
      });
    },
    lendSpareRoom: (use) => {
      useSpareRoom = use;
    },
    close: async () => {
      over.abort(new SallyportError('MACHINE_FAILED', 'The driver is closed.'));
      await making;
    },
  };
}
