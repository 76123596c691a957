import { statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Set by `stage-programs.ts`: where every user finds copies of {@link stagedPaths}. Absent where that is not needed. */
export const STAGE_VARIABLE = 'SALLYPORT_TEST_STAGE';

/** What machines in tests run: they run as other users, and have to read it. */
export const stagedPaths: readonly string[] = [
  process.execPath,
  join(root, 'packages/agent/dist/agent'),
  join(root, 'packages/machines/src/process/__fixtures__'),
];

/** One of {@link stagedPaths}, or its copy where others may not enter this repository, as in a clone below `/root`. */
export function reachable(path: string): string {
  const stage = process.env[STAGE_VARIABLE];
  return stage === undefined ? path : stagedPath(stage, path);
}

export function stagedPath(stage: string, path: string): string {
  return join(stage, relative(root, path).replaceAll('..', 'up'));
}

/** Whether a user without any rights can pass through every directory on the way to a file. */
export function canOthersReach(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && canOthersReach(parent));
}
