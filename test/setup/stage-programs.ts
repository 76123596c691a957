import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { STAGE_VARIABLE, stagedPath, stagedPaths } from './reachable.ts';

/** As root in a repository that others may not enter: copies what machines run to where every user can read it. */
export function setup(): (() => void) | undefined {
  if (process.geteuid?.() !== 0 || stagedPaths.every(canOthersEnter)) return undefined;
  const stage = mkdtempSync(join(tmpdir(), 'sp-stage-'));
  chmodSync(stage, 0o755);
  for (const path of stagedPaths) cpSync(path, stagedPath(stage, path), { recursive: true, dereference: true });
  process.env[STAGE_VARIABLE] = stage;
  return () => rmSync(stage, { recursive: true, force: true });
}

/** Whether a user without any rights can pass through every directory on the way. */
function canOthersEnter(path: string): boolean {
  const parent = dirname(path);
  return parent === path || ((statSync(parent).mode & 0o001) !== 0 && canOthersEnter(parent));
}
