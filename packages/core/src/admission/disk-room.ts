import { SallyportError } from '../base/errors.ts';
import type { DiskSpace, ReadDiskSpace } from '../contracts/disk-space.ts';

/** How much of the disk has to stay free: a full one also stops the database and every machine that runs. */
export interface DiskSettings {
  /** Below it no machine is started. Default 15 % of the disk, or 10 GiB if that is less. */
  readonly toStart: DiskFloor;
  /** Below it no machine hibernates: it is stopped, which needs no room. Default 8 %, or 5 GiB if that is less. */
  readonly toHibernate: DiskFloor;
}

/** The lesser of the two. */
export interface DiskFloor {
  /** Of the whole disk, from 0 to 1. */
  readonly share: number;
  readonly bytes: number;
}

/** Whether there is room on the disk for what machines write. */
export interface DiskRoom {
  /** Throws `MACHINE_CAPACITY` where no machine may be started. */
  checkStart(): Promise<void>;
  /** Throws `MACHINE_CAPACITY` where no machine may hibernate, or where this one's memory would not fit. */
  checkHibernate(memoryMb: number): Promise<void>;
}

const MB = 1024 * 1024;
/** What a snapshot takes beside the memory. */
const SNAPSHOT_BYTES = 64 * MB;
/** Until machines have been removed, or the operator has made room. */
const RETRY_AFTER_SECONDS = 60;

/** Without `read` there is always room. */
export function createDiskRoom({ toStart, toHibernate }: DiskSettings, read: ReadDiskSpace | undefined): DiskRoom {
  const check = async (what: string, needs: (space: DiskSpace) => number): Promise<void> => {
    const space = await read?.();
    if (!space) return;
    const needed = needs(space);
    if (space.freeBytes < needed) throw diskFull(what, space.freeBytes, needed);
  };
  return {
    checkStart: () => check('start a machine', (space) => bytesOf(toStart, space)),
    checkHibernate: (memoryMb) =>
      check('let a machine hibernate', (space) =>
        Math.max(bytesOf(toHibernate, space), memoryMb * MB + SNAPSHOT_BYTES),
      ),
  };
}

function bytesOf({ share, bytes }: DiskFloor, { totalBytes }: DiskSpace): number {
  return Math.min(share * totalBytes, bytes);
}

function diskFull(what: string, freeBytes: number, neededBytes: number): SallyportError {
  const inMb = (bytes: number): string => `${Math.floor(bytes / MB)} MB`;
  return new SallyportError(
    'MACHINE_CAPACITY',
    `The disk of this host is nearly full: ${inMb(freeBytes)} are free, and ${inMb(neededBytes)} have to be to ${what}.`,
    {
      hint: 'Try again in a minute, or ask the operator of this server to make room in its data directory.',
      details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
    },
  );
}
