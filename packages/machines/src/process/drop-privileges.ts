import type { CommandLine } from './bubblewrap.ts';

/** Returns the start of a command that switches from root to an unprivileged user for good. */
export function dropTo(uid: number): CommandLine {
  const drop = `--reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all --ambient-caps=-all`;
  return ['setpriv', ...`${drop} --bounding-set=-all --no-new-privs --pdeathsig KILL`.split(' ')];
}

/** Directories of every Linux host (Filesystem Hierarchy Standard) that programs do not need. */
const STAGING_POINTS = ['/mnt', '/media', '/srv'] as const;

/** Chooses a directory to mount over in a new mount namespace that is not on the way to any of these paths. */
export function chooseStagingPoint(paths: readonly string[]): string {
  const isFree = (point: string): boolean => paths.every((path) => path !== point && !path.startsWith(`${point}/`));
  return STAGING_POINTS.find(isFree) ?? STAGING_POINTS[0];
}
