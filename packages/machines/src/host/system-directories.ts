import { lstat, readlink } from 'node:fs/promises';

/** Returns the bubblewrap arguments for `/bin`, `/lib` and similar, which are symlinks into `/usr` on most systems and directories on some. */
export async function systemDirectories(): Promise<readonly string[]> {
  const found = await Promise.all(
    ['/bin', '/sbin', '/lib', '/lib32', '/lib64'].map(async (path) => {
      const facts = await lstat(path).catch(() => undefined);
      if (!facts) {
        return [];
      }
      return facts.isSymbolicLink() ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path];
    }),
  );
  return found.flat();
}
