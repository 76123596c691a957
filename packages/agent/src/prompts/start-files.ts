import { lstat } from 'node:fs/promises';

import { resolveHomePath } from '../credentials/credential-file.ts';

/**
 * A text that differs when one of these files of the home was written, replaced, made or removed. A file that was
 * written with the same content counts as changed.
 */
export async function stampFiles(home: string, paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(paths.map((path) => stampOf(resolveHomePath(home, path))));
  return stamps.join('\n');
}

async function stampOf(file: string): Promise<string> {
  const facts = await lstat(file, { bigint: true }).catch(() => undefined);
  return facts ? [facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join(' ') : 'absent';
}
