import { lookup } from 'node:dns/promises';

/** Looks a name up as every other program of this host does. */
export async function resolveByHost(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map((entry) => entry.address);
}
