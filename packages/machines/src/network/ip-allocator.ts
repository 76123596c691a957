import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

/** What a machine has of the network, written down before any of it is made. */
export interface PlaceRecord {
  readonly address: string;
  readonly tap: string;
}

/** Who has which address and TAP, kept in a file. One caller at a time. */
export interface IpAllocator {
  readonly records: ReadonlyMap<string, PlaceRecord>;
  /** The machine's own, or new ones that nobody has, has had lately, or that are in `inUse`. */
  take(machineId: string, inUse: readonly PlaceRecord[]): Promise<PlaceRecord>;
  /** The address rests before another machine gets it: its last packets may still be on their way. */
  giveBack(machineId: string): Promise<void>;
}

export interface IpAllocatorOptions {
  readonly file: string;
  readonly addresses: readonly string[];
  readonly quarantineMs: number;
  readonly clock: Clock;
}

export async function openIpAllocator({
  file,
  addresses,
  quarantineMs,
  clock,
}: IpAllocatorOptions): Promise<IpAllocator> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const { records, freed } = await read(file);

  async function write(): Promise<void> {
    const temporary = `${file}.tmp`;
    const text = JSON.stringify({ records: Object.fromEntries(records), freed: Object.fromEntries(freed) }, null, 2);
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, file);
  }

  /** The one that has rested longest, and those that nobody ever had first. */
  function chooseAddress(taken: ReadonlySet<string>): string {
    const now = clock.now();
    // A clock that was set back must not keep an address for ever.
    const rested = addresses
      .filter((address) => !taken.has(address))
      .map((address) => ({ address, since: Math.min(freed.get(address) ?? -Infinity, now) }))
      .filter(({ since }) => since <= now - quarantineMs)
      .toSorted((one, other) => (one.since === other.since ? 0 : one.since - other.since));
    const chosen = rested[0];
    if (chosen) return chosen.address;
    throw new SallyportError(
      'MACHINE_FAILED',
      `All ${addresses.length} addresses of the machines' network are taken.`,
      {
        hint: `Destroy machines that nobody needs; an address is free again ${quarantineMs / 1000} s after its machine.`,
      },
    );
  }

  return {
    records,
    take: async (machineId, inUse) => {
      const known = records.get(machineId);
      if (known) return known;
      const taken = [...records.values(), ...inUse];
      const record = {
        address: chooseAddress(new Set(taken.map(({ address }) => address))),
        tap: chooseTap(machineId, new Set(taken.map(({ tap }) => tap))),
      };
      records.set(machineId, record);
      freed.delete(record.address);
      await write();
      return record;
    },
    giveBack: async (machineId) => {
      const record = records.get(machineId);
      if (!record) return;
      records.delete(machineId);
      freed.set(record.address, clock.now());
      await write();
    },
  };
}

export const TAP_PREFIX = 'fc-vm-';

/** A device's name has 15 bytes at most: of the id, what shows which it is, or where that is taken, eight others. */
function chooseTap(machineId: string, taken: ReadonlySet<string>): string {
  const shown = machineId.replace(/^m-/, '').slice(0, 8);
  for (let attempt = 0, name = shown; ; attempt++) {
    if (!taken.has(`${TAP_PREFIX}${name}`)) return `${TAP_PREFIX}${name}`;
    name = createHash('sha256').update(`${machineId}/${attempt}`).digest('hex').slice(0, 8);
  }
}

interface Book {
  readonly records: Map<string, PlaceRecord>;
  readonly freed: Map<string, number>;
}

async function read(file: string): Promise<Book> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { records: new Map(), freed: new Map() };
  try {
    // The directory is the server's alone, so this is as it was written, or damaged as a whole.
    const book: { records: Record<string, PlaceRecord>; freed: Record<string, number> } = JSON.parse(text);
    return { records: new Map(Object.entries(book.records)), freed: new Map(Object.entries(book.freed)) };
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `The list of machines' addresses, ${file}, is damaged.`, {
      hint: 'Stop all machines, remove the file, and start the server again: it is made again.',
      cause,
    });
  }
}
