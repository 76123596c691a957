import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { readInput, readLine } from './secret-input.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-secret-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const input = (text: string) => Readable.from([Buffer.from(text)]);

it('reads one secret from a file or the standard input, without the line end', async () => {
  await writeFile(join(directory, 'key'), 'ak-secret\n');
  expect(await readLine(join(directory, 'key'))).toBe('ak-secret');
  expect(await readInput(input(' ak-secret\r\n'))).toBe('ak-secret');
});

it.each([
  ['', /is empty/],
  ['\n', /is empty/],
  ['two words', /something besides one key or token/],
  ['two\nlines', /something besides one key or token/],
  ['x'.repeat(16 * 1024 + 1), /more than 16 KiB/],
])('refuses %j, and quotes none of it', async (text, message) => {
  const error: unknown = await readInput(input(text)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });
  expect(String(error)).not.toMatch(/two|lines|xxx/);
});

it('asks for no secret in a terminal, which would show it', async () => {
  await expect(readInput(Object.assign(input('ak'), { isTTY: true }))).rejects.toThrow('shown while you type');
});

it('names a file that cannot be read', async () => {
  await expect(readLine(join(directory, 'none'))).rejects.toThrow(/none cannot be read/);
});
