import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { decodeCredentialText } from '@sallyport/core/driver';
import { expandHome } from '@sallyport/core/engine';
import { MAX_CREDENTIAL_BYTES } from '@sallyport/core/protocol';

import { hasCode } from '../host/node-error.ts';

/**
 * Reads a file of a home, such as `~/.codex/auth.json`. Returns `undefined` if it does not exist. A symbolic link may lead
 * elsewhere in the home, as one into a directory of dotfiles does, but not out of it. Throws `CREDENTIAL_MALFORMED`.
 */
export async function readHomeFile(path: string, home: string): Promise<string | undefined> {
  const inside = await resolvePath(home, home);
  if (inside === undefined) throw refused(`There is no home ${home}.`, 'Correct --home.');
  const file = await resolvePath(expandHome(path, home), path);
  if (file === undefined) return undefined;
  if (!file.startsWith(inside === sep ? sep : `${inside}${sep}`)) {
    throw refused(
      `${path} is a link to ${file}, which is outside of ${home}.`,
      'Put the file itself there, or name another home by --home.',
    );
  }
  try {
    return await readText(file, path);
  } catch (error) {
    throw SallyportError.isInstance(error) ? error : unreadable(path, error);
  }
}

async function readText(file: string, path: string): Promise<string> {
  // A FIFO would keep the command waiting for its writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw refused(`${path} is not an ordinary file.`);
    if (facts.size > MAX_CREDENTIAL_BYTES) throw refused(`${path} is larger than ${MAX_CREDENTIAL_BYTES / 1024} KiB.`);
    const text = decodeCredentialText(await handle.readFile());
    if (text === undefined) throw refused(`${path} is not text in UTF-8.`);
    return text;
  } finally {
    await handle.close();
  }
}

async function resolvePath(file: string, path: string): Promise<string | undefined> {
  try {
    return await realpath(file);
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): SallyportError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return refused(`${path} cannot be read: ${code}.`);
}

function refused(
  message: string,
  hint = 'Log in with the CLI again, or log in on the page of the server.',
): SallyportError {
  return new SallyportError('CREDENTIAL_MALFORMED', message, { hint });
}
