import { listRunningProcesses } from '../running-process.ts';

/**
 * The leader of a process group and all that it and its children have started, as far as they still run. One whose parent
 * has ended belongs to it by the group.
 */
export interface ProcessTree {
  readonly pids: ReadonlySet<number>;
  /** Memory of all of them, in bytes. Pages that they share count for each. */
  readonly residentBytes: number;
}

/** Resolves to `undefined` where there is no `/proc`. */
export async function readProcessTree(root: number): Promise<ProcessTree | undefined> {
  const running = await listRunningProcesses();
  if (!running) return undefined;
  const pids = new Set([root, ...running.filter(({ group }) => group === root).map(({ pid }) => pid)]);
  // A parent may come after its child: as often as another level is found.
  for (let before = 0; before < pids.size;) {
    before = pids.size;
    for (const { pid, parent } of running) if (pids.has(parent)) pids.add(pid);
  }
  const ours = running.filter(({ pid }) => pids.has(pid));
  return {
    pids: new Set(ours.map(({ pid }) => pid)),
    residentBytes: ours.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
  };
}
