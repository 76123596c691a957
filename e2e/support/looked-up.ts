import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Records which paths a CLI looks up, whether they exist or not. */
export interface Lookups {
  /** Takes the place of bubblewrap. */
  readonly bubblewrap: string;
  /** The paths below a directory, relative to it, in order. */
  below(directory: string): Promise<readonly string[]>;
}

/** Needs strace. It shows what a new release of a CLI looks for. */
export async function recordLookups(directory: string): Promise<Lookups> {
  const [bubblewrap, trace] = [join(directory, 'traced-bubblewrap'), join(directory, 'trace')];
  // `-y` tells the directory that a relative path starts from.
  await writeFile(bubblewrap, `#!/bin/sh\nexec strace -f -y -qq -s 4096 -e trace=%file -o '${trace}' bwrap "$@"\n`);
  await chmod(bubblewrap, 0o755);
  return {
    bubblewrap,
    below: async (root) => {
      const found = new Set<string>();
      for (const line of (await readFile(trace, 'latin1')).split('\n')) {
        const [, from = '', path = ''] = /^\d+ +\w+\((?:AT_FDCWD<([^>]*)>, )?"([^"]*)"/.exec(line) ?? [];
        const whole = path.startsWith('/') || from === '' ? path : join(from, path);
        if (whole.startsWith(`${root}/`)) found.add(join(whole.slice(root.length + 1)));
      }
      return [...found].toSorted();
    },
  };
}
