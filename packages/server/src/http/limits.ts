import { readFileSync } from 'node:fs';

/** Open connections of one client address at a time, unless the configuration says otherwise. */
export const CONNECTIONS_PER_ADDRESS = 512;

/**
 * Open connections of all clients at a time, unless the configuration says otherwise: 8192, or half of the files that
 * this process may open. The other half is for the database, the machines and their egress.
 */
export function defaultConnections(limits = readLimits()): number {
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  return Math.max(1, Math.min(8192, Math.floor(soft / 2)));
}

/** Empty where there is no `/proc`. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}

/** Open event streams, unless the configuration says otherwise. */
export const defaultStreamLimits = { perUser: 64, inAll: 4_000 } as const;

/** Preparations for a login in a minute. A page asks for one when it is opened. */
export const preparationsPerMinute = { perUser: 30, inAll: 1_000 } as const;

/** Refused API keys and tokens of one client address in a minute, unless the configuration says otherwise. */
export const FAILURES_PER_MINUTE = 30;
