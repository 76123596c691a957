import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { MachinePlan } from '../contracts/plan.ts';
import { createCapacity } from './capacity.ts';
import type { CapacitySettings, Reservation } from './capacity.ts';
import type { Need } from '../contracts/spare-room.ts';
import type { DiskRoom } from './disk-room.ts';
import { createInProcessQueue } from './in-process-queue.ts';
import { createSpareRoom } from './spare-room.ts';
import type { UseSpareRoom } from '../contracts/spare-room.ts';
import type { MachineWork, QueueSettings, Turn, WorkQueue } from '../contracts/work-queue.ts';

/** Who may start a machine on this host, and when: first a turn, then a place. */
export interface Admission {
  /** Starts a machine in its turn, with a place reserved for it. Throws `MACHINE_CAPACITY` if there is no place. */
  admit<T>(
    work: MachineWork & { readonly kind: 'create' | 'wake' },
    plan: Pick<MachinePlan, 'memoryMb' | 'vcpus'>,
    turn: StartTurn,
    start: (place: Reservation) => Promise<T>,
  ): Promise<T>;
  /** Ends a machine in its turn. */
  clear<T>(work: MachineWork & { readonly kind: 'rest' | 'destroy' }, end: () => Promise<T>): Promise<T>;
  /** For whatever nobody waits for: it goes first when a machine needs the room. */
  readonly useSpareRoom: UseSpareRoom;
  /** Throws `MACHINE_CAPACITY` where a machine like this would be refused now. The next moment may differ. */
  check(need: Need): Promise<void>;
  /** Throws `MACHINE_CAPACITY` where a machine with so much memory has to be stopped, since it cannot hibernate now. */
  checkHibernate(memoryMb: number): Promise<void>;
  /** Places of machines that are neither being started nor ended: each should run. */
  settledPlaces(): readonly Reservation[];
  load(): HostLoad;
}

export interface StartTurn extends Turn {
  readonly signal: AbortSignal;
  /** Nobody needs it yet: no other machine is stopped for it. */
  readonly isSpare?: boolean;
}

/** What this host does for machines at the moment. */
export interface HostLoad {
  /** Machines that wait to be started. */
  readonly waiting: number;
  /** Machines that are being started or ended. */
  readonly underWay: number;
  /** Machines with a place: they run, or are about to. */
  readonly running: number;
  readonly reserved: Need;
  readonly limits: Need;
}

/** Where room comes from when there is none. */
export interface Reserve {
  /** What machines take that may be stopped or hibernated, because no one needs them at the moment. */
  spare(): Need;
  /** Stops or hibernates one of them, the least recently used first. False if there are none. */
  makeRoom(): Promise<boolean>;
}

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly queue: QueueSettings;
  readonly limits: CapacitySettings;
  readonly reserve: Reserve;
  readonly disk: DiskRoom;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { clock, random, queue: settings, limits, reserve, disk } = options;
  const queue: WorkQueue = createInProcessQueue({ clock, random, settings });
  const capacity = createCapacity(limits);
  const spareRoom = createSpareRoom(capacity);
  const makeRoom = async (): Promise<boolean> => (await spareRoom.giveUp()) || reserve.makeRoom();

  /** Each round puts a machine to rest, or ends: others may take the room that one has made. */
  async function findPlace(
    machineId: string,
    need: Need,
    { signal, isSpare = false }: StartTurn,
  ): Promise<Reservation> {
    capacity.checkFits(need);
    await disk.checkStart();
    for (;;) {
      signal.throwIfAborted();
      const place = capacity.tryReserve(machineId, need);
      if (place) return place;
      if (isSpare || !(await makeRoom())) throw noRoom();
    }
  }

  function noRoom(): SallyportError {
    return new SallyportError('MACHINE_CAPACITY', 'This host has no room for another machine at the moment.', {
      details: { retryAfterSeconds: queue.retryAfterSeconds() },
    });
  }

  return {
    admit: (work, { memoryMb, vcpus }, turn, start) =>
      queue.run(work, turn, async () => start(await findPlace(work.machineId, { memoryMb, vcpus }, turn))),
    clear: (work, end) => queue.run(work, {}, end),
    useSpareRoom: spareRoom.use,
    check: async (need) => {
      capacity.checkFits(need);
      queue.check();
      const parts: readonly Need[] = [capacity.free, spareRoom.taken, reserve.spare()];
      const room = (of: keyof Need): number => parts.reduce((sum, part) => sum + part[of], 0);
      if (room('memoryMb') < need.memoryMb || room('vcpus') < need.vcpus) throw noRoom();
      await disk.checkStart();
    },
    checkHibernate: (memoryMb) => disk.checkHibernate(memoryMb),
    settledPlaces: () =>
      capacity.places.filter(({ machineId }) => !queue.isUnderWay(machineId) && !spareRoom.has(machineId)),
    load: () => {
      const { memoryMb, vcpus } = limits;
      return {
        ...queue.load(),
        running: capacity.places.length,
        reserved: capacity.reserved,
        limits: { memoryMb, vcpus },
      };
    },
  };
}
