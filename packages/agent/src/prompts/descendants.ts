import { readdirSync, readFileSync } from 'node:fs';

/**
 * A process and all that it and its children have started, as far as they still run, at this very moment: read
 * synchronously, from `/proc/<pid>/task/<tid>/children` (proc_tid_children(5)). `undefined` where the kernel has no such
 * files. A child may be missing while a sibling of it ends.
 */
export function listDescendants(root: number): ReadonlySet<number> | undefined {
  const found = new Set([root]);
  // A set is walked in the order in which it grows.
  for (const pid of found) {
    const children = childrenOf(pid);
    if (!children && pid === root) return undefined;
    for (const child of children ?? []) found.add(child);
  }
  return found;
}

/** Each thread has the children that it has started. */
function childrenOf(pid: number): readonly number[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    // It has just ended, as far as the kernel tells at all.
    return undefined;
  }
}
