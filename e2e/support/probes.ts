import { resolve } from 'node:path';

import type { BootConfig } from '@sallyport/core/protocol';
import type { NetworkAttachment } from '@sallyport/machines';

import { startGuest } from './guest.ts';
import type { Guest } from './guest.ts';
import { cliMachineImages } from './images.ts';
import { poll } from './server.ts';

/** What a guest tries, as `hostile-guest/etc/sallyport/probe.mjs` reads it. */
export type Probe = {
  readonly before?: readonly Command[];
  readonly after?: readonly Command[];
  readonly waitMs?: number;
} & (
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly say?: string;
      readonly localAddress?: string;
    }
  | { readonly kind: 'udp'; readonly host: string; readonly port: number; readonly say?: string }
  | { readonly kind: 'run'; readonly argv: Command }
);

type Command = readonly string[];

/** What a row is called, what it should come to, and what is tried. */
export type Way = readonly [probe: string, wanted: string, tried: Probe];

/** One line of the isolation table. */
export interface Row {
  readonly probe: string;
  /** `blocked`, or what the far side says. */
  readonly wanted: string;
  readonly found: string;
}

/** Ports of the guest that greet everybody: what listens there would be heard if it could be reached. */
export const GREETED_PORTS = [22, 5900, 9229] as const;

/** A machine in which an attacker is root, with Debian's kernel and nothing of ours running. */
export async function startHostileGuest(
  folder: string,
  place: NetworkAttachment,
  netdev?: string,
): Promise<Guest & { probe(probe: Probe): Promise<string> }> {
  const { debianKernel: kernel, cli: root } = await cliMachineImages();
  const boot: BootConfig = {
    machineId: 'm-hostile',
    epoch: 1,
    role: 'cli',
    token: 'of-no-use-0123456789-0123456789-0123456789',
    listen: { port: 8080, host: '0.0.0.0' },
    home: '/sallyport/home',
    runtime: '/run/m',
    clis: {},
  };
  const upper = resolve(import.meta.dirname, '../machines/hostile-guest');
  const more = netdev === undefined ? {} : { netdev };
  const guest = await startGuest({ folder, kernel, root, memoryMb: 256, boot, place, upper, ...more });
  await poll('the guest to answer', () => guest.request('/').catch(() => undefined));
  return { ...guest, probe: async (probe) => (await guest.request('/', { body: JSON.stringify(probe) })).body };
}

/** A guest without hardware help on a busy host takes its time, and so does what it speaks to. */
const patiently = (probe: Probe): Probe => ({ ...probe, waitMs: 30_000 });

/** Has a guest try, and says what came of it. Where something should answer, it gets the time that it may take. */
export async function tryRow(
  guest: { probe(probe: Probe): Promise<string> },
  [probe, wanted, tried]: Way,
): Promise<Row> {
  return { probe, wanted, found: await guest.probe(wanted === 'blocked' ? tried : patiently(tried)) };
}

/** Whether a connection was blocked, be it by the monitor, by the guest's own kernel, or by no answer at all. */
const isBlocked = (found: string): boolean =>
  /^(no answer|closed|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EINVAL)$/.test(found) ||
  /100% packet loss|Network is unreachable/.test(found);

export function asTable(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ probe }) => probe.length));
  return rows.map(({ probe, found }) => `  ${probe.padEnd(width)}  ${found.split('\n').at(-1)}`).join('\n');
}

/** The rows that came out otherwise. */
export function wrongRows(rows: readonly Row[]): readonly Row[] {
  return rows.filter(({ wanted, found }) => (wanted === 'blocked' ? !isBlocked(found) : found !== wanted));
}
