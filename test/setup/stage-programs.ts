import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { canOthersReach, STAGE_VARIABLE, stagedPath, stagedPaths } from './reachable.ts';

/** As root in a repository that others may not enter: copies what machines run to where every user can read it. */
export function setup(): (() => void) | undefined {
  if (process.geteuid?.() !== 0 || stagedPaths.every(canOthersReach)) return undefined;
  const stage = mkdtempSync(join(tmpdir(), 'sp-stage-'));
  chmodSync(stage, 0o755);
  for (const path of stagedPaths) cpSync(path, stagedPath(stage, path), { recursive: true, dereference: true });
  process.env[STAGE_VARIABLE] = stage;
  return () => rmSync(stage, { recursive: true, force: true });
}
