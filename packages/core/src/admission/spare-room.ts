import { SallyportError } from '../base/errors.ts';
import type { Capacity, Need } from './capacity.ts';

/**
 * Does something that takes room on the host and that nobody waits for. Throws `MACHINE_CAPACITY` where there is none to
 * spare. When somebody needs the room the signal aborts, and what the work has made must be gone when it ends.
 */
export type UseSpareRoom = <T>(work: SpareWork<T>) => Promise<T>;

export interface SpareWork<T> extends Need {
  /** Names what takes the room; of its own, as a machine has. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly do: (signal: AbortSignal) => Promise<T>;
}

/** Room that is used until somebody needs it. */
export interface SpareRoom {
  readonly use: UseSpareRoom;
  readonly taken: Need;
  has(id: string): boolean;
  /** Has the work that began last give its room back, and resolves when it has. False where there is none. */
  giveUp(): Promise<boolean>;
}

export function createSpareRoom(capacity: Pick<Capacity, 'tryReserve'>): SpareRoom {
  const works = new Map<
    string,
    { readonly need: Need; readonly wanted: AbortController; readonly over: Promise<void> }
  >();
  const sum = (of: keyof Need): number => [...works.values()].reduce((total, { need }) => total + need[of], 0);

  return {
    use: async ({ id, memoryMb, vcpus, signal, do: work }) => {
      signal.throwIfAborted();
      const need = { memoryMb, vcpus };
      const place = capacity.tryReserve(id, need);
      if (!place) throw new SallyportError('MACHINE_CAPACITY', 'This host has no room to spare at the moment.');
      const wanted = new AbortController();
      const over = Promise.withResolvers<void>();
      works.set(id, { need, wanted, over: over.promise });
      try {
        return await work(AbortSignal.any([signal, wanted.signal]));
      } catch (error) {
        wanted.signal.throwIfAborted();
        throw error;
      } finally {
        works.delete(id);
        place.release();
        over.resolve();
      }
    },
    get taken() {
      return { memoryMb: sum('memoryMb'), vcpus: sum('vcpus') };
    },
    has: (id) => works.has(id),
    giveUp: async () => {
      const last = [...works.values()].at(-1);
      if (!last) return false;
      last.wanted.abort(new SallyportError('MACHINE_CAPACITY', 'Somebody needs the room that was to spare.'));
      await last.over;
      return true;
    },
  };
}
