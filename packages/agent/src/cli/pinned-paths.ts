import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import type { CliLaunch } from '@sallyport/core/protocol';

import type { HiddenPath } from './hidden-paths.ts';
import { makeMountPoint, mountableKind } from './hidden-paths.ts';

/** Whether nothing that runs could put a link in place of this path meanwhile. */
export type MayPin = (path: string) => boolean;

/**
 * What a CLI can neither rename nor remove, since other providers hide it from their CLIs: what its manifest hides itself
 * is held by that already. Makes what is missing: it could not be pinned once the CLI runs. A symbolic link is left out.
 */
export async function pinnedPaths(
  work: string,
  { hiddenInWork, pinnedInWork }: Pick<CliLaunch, 'hiddenInWork' | 'pinnedInWork'>,
  mayPin: MayPin,
): Promise<readonly HiddenPath[]> {
  const own = new Set(hiddenInWork.map(({ name }) => name));
  const others = pinnedInWork.filter(({ name }) => !own.has(name));
  const paths: HiddenPath[] = [];
  for (const directory of new Set([work, await realpath(work)])) {
    for (const { name, kind: missing } of others) {
      const path = join(directory, name);
      if (!mayPin(path)) continue;
      await makeMountPoint(path, missing);
      const kind = await mountableKind(path);
      if (kind === 'directory' || kind === 'file') paths.push({ path, kind });
    }
  }
  return paths;
}
