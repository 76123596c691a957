import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { SallyportError } from '@sallyport/core';

import { BACKUP_FORMAT, END_OF_ROWS, headerSchema, tableSchema, trailerSchema } from './format.ts';
import type { BackupHeader } from './format.ts';

/** What a backup consists of, in order. `rows`: some lines of the table before, with their line breaks. */
export type BackupPart =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  | { readonly kind: 'table'; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: 'rows'; readonly lines: Buffer }
  | { readonly kind: 'end-of-table' };

/** Reads the whole file and throws `CONFIG_INVALID` if it is not a complete backup that this version can read. */
export async function checkBackup(path: string): Promise<BackupHeader> {
  let header: BackupHeader | undefined;
  for await (const part of readBackup(path)) if (part.kind === 'header') ({ header } = part);
  if (!header) throw damaged(path, 'It is empty.');
  return header;
}

/** The parts of a backup. Throws `CONFIG_INVALID` where it stops to be one. */
export async function* readBackup(path: string): AsyncGenerator<BackupPart> {
  const hash = createHash('sha256');
  let place: 'header' | 'between' | 'rows' | 'end' = 'header';
  let rows = 0;
  try {
    const unpacked = createGunzip();
    // What fails at either end comes out of the iteration.
    pipeline(createReadStream(path), unpacked, () => undefined);
    for await (const lines of splitAtLines(unpacked)) {
      let pending: Buffer[] = [];
      for (const bytes of lines) {
        if (place === 'rows' && bytes.toString('latin1') !== `${END_OF_ROWS}\n`) {
          rows += 1;
          hash.update(bytes);
          pending.push(bytes);
          continue;
        }
        if (pending.length > 0) yield { kind: 'rows', lines: Buffer.concat(pending) };
        pending = [];
        if (place === 'rows') {
          hash.update(bytes);
          place = 'between';
          yield { kind: 'end-of-table' };
        } else if (place === 'header') {
          hash.update(bytes);
          place = 'between';
          yield { kind: 'header', header: parseHeader(path, bytes) };
        } else if (place === 'between') {
          const value = parseLine(path, bytes);
          const table = tableSchema.safeParse(value);
          if (table.success) {
            hash.update(bytes);
            place = 'rows';
            yield { kind: 'table', ...table.data };
            continue;
          }
          const trailer = trailerSchema.safeParse(value);
          if (!trailer.success) throw damaged(path, 'It has a line that no backup has.');
          if (trailer.data.rows !== rows || trailer.data.sha256 !== hash.digest('hex'))
            throw damaged(path, 'Its checksum is wrong.');
          place = 'end';
        } else throw damaged(path, 'Something follows its end.');
      }
      if (pending.length > 0) yield { kind: 'rows', lines: Buffer.concat(pending) };
    }
  } catch (error) {
    if (SallyportError.isInstance(error)) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT') {
      throw new SallyportError('CONFIG_INVALID', `There is no file ${path}.`, { hint: 'Name a backup.', cause: error });
    }
    throw damaged(path, code.startsWith('Z_') ? 'It is cut off, or no gzip file.' : 'It cannot be read.', error);
  }
  if (place !== 'end') throw damaged(path, 'It is cut off.');
}

function parseHeader(path: string, bytes: Buffer): BackupHeader {
  const value = parseLine(path, bytes);
  const format = typeof value === 'object' && value !== null && 'sallyportBackup' in value ? value.sallyportBackup : 0;
  if (typeof format === 'number' && format > BACKUP_FORMAT) {
    throw new SallyportError('CONFIG_INVALID', `${path} was written by a newer Sallyport, in format ${format}.`, {
      hint: 'Restore it with that version or a newer one.',
    });
  }
  const header = headerSchema.safeParse(value);
  if (!header.success) throw damaged(path, 'It does not begin as a backup does.');
  return header.data;
}

function parseLine(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw damaged(path, 'It has a line that no backup has.', error);
  }
}

function damaged(path: string, how: string, cause?: unknown): SallyportError {
  return new SallyportError('CONFIG_INVALID', `${path} is not a whole backup. ${how}`, {
    hint: 'Nothing was restored. Take another backup.',
    cause,
  });
}

/** Whole lines, with their line breaks, as many at a time as are there. */
async function* splitAtLines(stream: AsyncIterable<Buffer>): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, from)) {
      lines.push(bytes.subarray(from, at + 1));
      from = at + 1;
    }
    rest = bytes.subarray(from);
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [rest];
}
