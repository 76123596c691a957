import { constants } from 'node:fs';
import { open, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { decodeCredentialText, findFileProblem } from '@sallyport/core/engine';
import { MAX_CREDENTIAL_BYTES } from '@sallyport/core/protocol';

/** What was found at a credential's path. */
export type FileReading =
  | { readonly type: 'absent' }
  | { readonly type: 'refused'; readonly problem: string }
  | { readonly type: 'text'; readonly text: string; readonly inode: number };

/**
 * Reads a file below the home without trusting what lies there: no link is followed, a FIFO or device is
 * neither waited for nor read, a file with a second name is refused, and no more is read than a credential may be long.
 */
export async function readHomeFile(home: string, path: string): Promise<FileReading> {
  const file = resolveHomePath(home, path);
  try {
    const folder = dirname(file);
    const straight = join(await realpath(home), folder.slice(home.length));
    if ((await realpath(folder)) !== straight) return refused(path, 'lies behind a symbolic link');
    // O_NONBLOCK: opening a FIFO would wait for a program to write to it.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const facts = await handle.stat();
      const shape = { kind: facts.isFile() ? 'file' : 'other', links: facts.nlink, size: facts.size } as const;
      const problem = findFileProblem(shape);
      if (problem !== undefined) return refused(path, problem);
      if (!(await isBelow(handle.fd, straight))) return refused(path, 'moved while it was opened');
      const bytes = Buffer.alloc(MAX_CREDENTIAL_BYTES + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
        length += bytesRead;
        if (length > MAX_CREDENTIAL_BYTES) return refused(path, 'grew while it was read');
        if (bytesRead === 0) break;
      }
      const text = decodeCredentialText(bytes.subarray(0, length));
      return text === undefined ? refused(path, 'is not UTF-8 text') : { type: 'text', text, inode: facts.ino };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return explain(path, error);
  }
}

/** `~/a/b` in this home. Paths have passed the manifest's schema, so there is no `..` in them. */
export function resolveHomePath(home: string, path: string): string {
  return join(home, path.replace(/^~\//, ''));
}

/**
 * Whether an open file lies in this directory: a CLI could have put a link there after the look at the directory, to a place that
 * the agent may read and the CLI may not.
 */
async function isBelow(descriptor: number, folder: string): Promise<boolean> {
  return process.platform !== 'linux' || dirname(await readlink(`/proc/self/fd/${descriptor}`)) === folder;
}

function explain(path: string, error: unknown): FileReading {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { type: 'absent' };
  if (code === 'ELOOP') return refused(path, 'is a symbolic link');
  if (code === 'ENXIO') return refused(path, 'is not an ordinary file');
  return refused(path, `cannot be read (${String(code ?? error)})`);
}

function refused(path: string, why: string): FileReading {
  return { type: 'refused', problem: `${path} ${why}.` };
}
