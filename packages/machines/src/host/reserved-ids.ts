import { readFile } from 'node:fs/promises';

/** A range of user or group IDs; `end` is exclusive. */
export interface IdRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads which IDs this host has given away: the users and groups of `/etc/passwd` and `/etc/group`, and the ranges
 * that `/etc/subuid` and `/etc/subgid` delegate for containers (subuid(5)).
 */
export async function readReservedIds(etc = '/etc'): Promise<readonly IdRange[]> {
  const files = ['passwd', 'group', 'subuid', 'subgid'] as const;
  const ranges = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(`${etc}/${name}`, 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => parseEntry(name, line));
    }),
  );
  return ranges.flat();
}

function parseEntry(file: 'passwd' | 'group' | 'subuid' | 'subgid', line: string): readonly IdRange[] {
  const fields = line.split(':');
  const delegates = file === 'subuid' || file === 'subgid';
  const [start, count] = delegates ? fields.slice(1).map(Number) : [Number(fields[2]), 1];
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(count)) return [];
  return start === undefined || count === undefined ? [] : [{ start, end: start + count }];
}
