import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import { SallyportError } from '@sallyport/core';

/** More than any key or token has. */
const MAX_BYTES = 16 * 1024;

/** The text of a file that holds one secret, without the blanks around it. Throws `CONFIG_INVALID`, which never quotes it. */
export async function readLine(file: string): Promise<string> {
  const handle = await open(file).catch((cause: unknown) => {
    throw invalid(`The file ${file} cannot be read.`, cause);
  });
  try {
    return checkSecret((await readAtMost(handle.createReadStream({ autoClose: false })))?.trim(), `The file ${file}`);
  } finally {
    await handle.close();
  }
}

/** The same from the standard input, which must not be a terminal: that would show what is typed. */
export async function readInput(input: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (input.isTTY === true) {
    throw new SallyportError('CONFIG_INVALID', 'The key would be shown while you type it.', {
      hint: 'Write it into a file that only you can read and name that by --key-file, or pipe it into this command.',
    });
  }
  return checkSecret((await readAtMost(input))?.trim(), 'The standard input');
}

/** `undefined`: there is more than {@link MAX_BYTES}. */
async function readAtMost(stream: Readable): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BYTES) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A key or token is one word: a line end in it would end the header that it is sent in. */
export function checkSecret(text: string | undefined, where: string): string {
  if (text === undefined) throw invalid(`${where} has more than ${MAX_BYTES / 1024} KiB.`);
  if (text === '') throw invalid(`${where} is empty.`);
  if (!/^[\x21-\x7e]+$/.test(text)) throw invalid(`${where} has something besides one key or token.`);
  return text;
}

function invalid(message: string, cause?: unknown): SallyportError {
  return new SallyportError('CONFIG_INVALID', message, {
    hint: 'It must hold the key or token, and nothing else.',
    cause,
  });
}
