import type { Need } from '../contracts/spare-room.ts';
import { SallyportError } from '../base/errors.ts';

/** What an operator lets machines take of this host. */
export interface CapacitySettings extends Need {
  /**
   * A machine that has not been used for this long may be stopped early if another needs its place.
   * Default one minute.
   */
  readonly spareAfterMs: number;
}

/** A machine's place on this host. It is taken before the machine is made, and given back when it no longer runs. */
export interface Reservation {
  readonly machineId: string;
  /** No error when it was given back before. */
  release(): void;
}

/** What is promised to machines on this host. Two machines are never promised the same memory. */
export interface Capacity {
  /** `undefined` where there is no room. A machine has one place: a second reservation for it replaces the first. */
  tryReserve(machineId: string, need: Need): Reservation | undefined;
  /** Throws `CONFIG_HOST_UNSUITABLE` where not even an empty host would have room. */
  checkFits(need: Need): void;
  readonly places: readonly Reservation[];
  readonly reserved: Need;
  readonly free: Need;
}

export function createCapacity(limits: Need): Capacity {
  const places = new Map<string, { readonly need: Need; readonly reservation: Reservation }>();
  const sum = (of: keyof Need, except?: string): number =>
    [...places].reduce((total, [machineId, { need }]) => total + (machineId === except ? 0 : need[of]), 0);
  const fits = (need: Need, except?: string): boolean =>
    sum('memoryMb', except) + need.memoryMb <= limits.memoryMb && sum('vcpus', except) + need.vcpus <= limits.vcpus;

  return {
    tryReserve: (machineId, need) => {
      if (!fits(need, machineId)) return undefined;
      const reservation: Reservation = {
        machineId,
        release: () => {
          if (places.get(machineId)?.reservation === reservation) places.delete(machineId);
        },
      };
      places.set(machineId, { need, reservation });
      return reservation;
    },
    checkFits: ({ memoryMb, vcpus }) => {
      if (memoryMb <= limits.memoryMb && vcpus <= limits.vcpus) return;
      const host = `${limits.memoryMb} MB and ${limits.vcpus} vCPUs`;
      throw new SallyportError(
        'CONFIG_HOST_UNSUITABLE',
        `A machine of ${memoryMb} MB and ${vcpus} vCPUs never fits on this host, which has ${host} for machines.`,
        { hint: 'Ask the operator of this server: the limits are `capacity` in its configuration.' },
      );
    },
    get places() {
      return [...places.values()].map(({ reservation }) => reservation);
    },
    get reserved() {
      return { memoryMb: sum('memoryMb'), vcpus: sum('vcpus') };
    },
    get free() {
      return { memoryMb: limits.memoryMb - sum('memoryMb'), vcpus: limits.vcpus - sum('vcpus') };
    },
  };
}
