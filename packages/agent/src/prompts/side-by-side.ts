import { SallyportError } from '@sallyport/core';

import type { HiddenPath } from '../cli/hidden-paths.ts';
import type { MayPin } from '../cli/pinned-paths.ts';

/** What a run does with `~/work` before its CLI starts. */
export interface WorkView {
  /** What its CLI must not see. */
  readonly hiddenPaths: readonly HiddenPath[];
  /** What stays in its place as long as the run lasts: its CLI can fill it, not rename or remove it. */
  readonly pinnedPaths: readonly HiddenPath[];
}

/**
 * Decides which runs may share `~/work` at the same time. A CLI sees something empty in place of what another provider's
 * program could have put there. Such a mount belongs to the directory, not to its name: a program of another CLI that
 * renames the directory takes the mount with it, and puts other settings in its place (rename(2) fails with EBUSY
 * only where the directory is a mount point for the caller too). So no two CLIs of different providers run at the same
 * time unless each has pinned what the other hides.
 */
export interface SideBySide {
  /**
   * Adds a run until it is disposed of. `look` is called when no other run is being added, and is told which paths may be
   * pinned. Throws `MACHINE_BUSY` where the run has to wait for another.
   */
  enter<View extends WorkView>(provider: string, look: (mayPin: MayPin) => Promise<View>): Promise<View & Disposable>;
}

interface Run {
  readonly provider: string;
  readonly hidden: ReadonlySet<string>;
  /** What its CLI cannot move: what it has pinned, and what is hidden from it. */
  readonly held: ReadonlySet<string>;
}

export function createSideBySide(): SideBySide {
  const runs = new Set<Run>();
  let entering: Promise<unknown> = Promise.resolve();

  const checkBeside = (mine: Run): void => {
    for (const other of runs) {
      if (other.provider === mine.provider) continue;
      const path = firstMissing(mine.hidden, other.held) ?? firstMissing(other.hidden, mine.held);
      if (path !== undefined) throw mustWait(mine, other, path);
    }
  };

  const add = async <View extends WorkView>(
    provider: string,
    look: (mayPin: MayPin) => Promise<View>,
  ): Promise<View & Disposable> => {
    const view = await look((path) => [...runs].every(({ held }) => held.has(path)));
    const hidden = view.hiddenPaths.map(({ path }) => path);
    const pinned = view.pinnedPaths.map(({ path }) => path);
    const run: Run = { provider, hidden: new Set(hidden), held: new Set([...hidden, ...pinned]) };
    checkBeside(run);
    runs.add(run);
    return { ...view, [Symbol.dispose]: () => void runs.delete(run) };
  };

  return {
    enter: (provider, look) => {
      const mine = entering.then(() => add(provider, look));
      entering = mine.catch(() => undefined);
      return mine;
    },
  };
}

function firstMissing(paths: ReadonlySet<string>, held: ReadonlySet<string>): string | undefined {
  return [...paths].find((path) => !held.has(path));
}

function mustWait(mine: Run, other: Run, path: string): SallyportError {
  return new SallyportError(
    'MACHINE_BUSY',
    `The CLI of ${mine.provider} cannot run beside the one of ${other.provider}: a program could replace ${path}, which one of them must not see.`,
    { hint: `Try again when the prompt of ${other.provider} has ended.` },
  );
}
