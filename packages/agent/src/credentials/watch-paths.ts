import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface WatchPathsOptions {
  /** An existing directory. */
  readonly root: string;
  /** Files below it, which need not exist yet, nor the directories they lie in. */
  readonly paths: readonly string[];
  /** Something may have happened to one of the files. May be called for nothing. */
  readonly onChange: () => void;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Watches each directory on the way to the files, and no file: a file that does not exist yet, or is replaced by rename,
 * would be missed. Of what else happens there, only the name is looked at. A CLI keeps databases beside its
 * credential, so that reading the directory at each event, as general watchers do, costs more than its prompt.
 */
export function watchPaths({ root, paths, onChange, signal }: WatchPathsOptions): void {
  const folders = namesByDirectory(root, paths);
  const watchers = new Map<string, FSWatcher>();

  /** Watches what exists and is not watched yet. */
  function arm(): void {
    for (const [folder, names] of folders) {
      if (watchers.has(folder) || signal.aborted) continue;
      const watcher = tryWatch(folder, (event, name) => {
        if (name !== null && !names.has(name)) return;
        if (event === 'rename') rearm(name === null ? folder : join(folder, name));
        onChange();
      });
      if (!watcher) continue;
      watchers.set(folder, watcher);
      watcher.on('error', () => disarm(folder));
    }
  }

  /** A directory came, went or was replaced: a watcher follows the old one wherever it is now. */
  function rearm(changed: string): void {
    for (const folder of watchers.keys()) {
      if (folder === changed || folder.startsWith(changed + sep)) disarm(folder);
    }
    arm();
  }

  function disarm(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  }

  signal.addEventListener(
    'abort',
    () => {
      for (const folder of watchers.keys()) disarm(folder);
    },
    { once: true },
  );
  arm();
}

/** Every directory from the root down to the files, upper ones first, with the names in it that lead on. */
function namesByDirectory(root: string, paths: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const path of paths) {
    let folder = root;
    for (const name of relative(root, path).split(sep)) {
      folders.set(folder, (folders.get(folder) ?? new Set()).add(name));
      folder = join(folder, name);
    }
  }
  return folders;
}

function tryWatch(folder: string, listener: (event: string, name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(folder, listener);
  } catch {
    // It does not exist yet: the directory above says when it does.
    return undefined;
  }
}
