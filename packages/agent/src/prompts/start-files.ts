import { lstat, stat } from 'node:fs/promises';

import { resolveHomePath } from '../credentials/credential-file.ts';
import type { PreparedStart } from './prepare-start.ts';

/**
 * A text that differs when something that a CLI got when it started is another one now: a file of its home that was
 * written, replaced, made or removed; its working directory; or what is hidden from it. A file that was written with the
 * same content counts as changed. What is hidden shows again where it was replaced, since a mount goes with the
 * directory that it was made on.
 */
export async function stampStart(
  { home, cwd, hiddenPaths }: Pick<PreparedStart, 'home' | 'cwd' | 'hiddenPaths'>,
  files: readonly string[],
): Promise<string> {
  const paths = [...files.map((path) => resolveHomePath(home, path)), ...hiddenPaths.map(({ path }) => path)];
  const stamps = await Promise.all([identityOf(cwd), ...paths.map(stampOf)]);
  return stamps.join('\n');
}

async function stampOf(file: string): Promise<string> {
  const facts = await lstat(file, { bigint: true }).catch(() => undefined);
  return facts ? [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(' ') : 'absent';
}

/** The same however often the directory is written to. Its time of birth tells it from a later one with its number. */
async function identityOf(directory: string): Promise<string> {
  const facts = await stat(directory, { bigint: true }).catch(() => undefined);
  return facts ? [facts.dev, facts.ino, facts.birthtimeNs].join(' ') : 'absent';
}
