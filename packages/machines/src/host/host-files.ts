import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What the kernel says of a host, as files. A test has another tree. */
export interface HostFiles {
  /** Its text without the last line's end; `undefined` where there is no such file or nobody may read it. */
  read(path: string): Promise<string | undefined>;
  /** Names in a directory; none where there is no such directory. */
  list(path: string): Promise<readonly string[]>;
  /** Where a path really is. */
  locate(path: string): string;
}

export function hostFiles(root = '/'): HostFiles {
  const locate = (path: string): string => join(root, path);
  return {
    locate,
    read: (path) =>
      readFile(locate(path), 'utf8').then(
        (text) => text.trimEnd(),
        () => undefined,
      ),
    list: (path) => readdir(locate(path)).catch(() => []),
  };
}
