import type { UseSpareRoom } from '../contracts/spare-room.ts';
import { SallyportError } from '../base/errors.ts';
import type { Capacity } from './capacity.ts';
import type { Need } from '../contracts/spare-room.ts';

/** Room that is used until a user needs it. */
export interface SpareRoom {
  readonly use: UseSpareRoom;
  readonly taken: Need;
  has(id: string): boolean;
  /** Has the work that began last give its room back, and resolves when it has. False if there is no such work. */
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
      last.wanted.abort(new SallyportError('MACHINE_CAPACITY', 'A user needs the room that was to spare.'));
      await last.over;
      return true;
    },
  };
}
