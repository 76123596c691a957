import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { openSealKey, seal, unseal } from './seal.ts';

const key = new Secret('key of this server');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-seal-'));
});

afterEach(() => rm(directory, { recursive: true }));

it('opens what was sealed with the same key for the same purpose, and nothing else', () => {
  const sealed = seal({ one: 1 }, 'snapshot', key);
  expect(unseal(sealed, 'snapshot', key)).toEqual({ one: 1 });
  expect(unseal(sealed, 'other', key)).toBeUndefined();
  expect(unseal(sealed, 'snapshot', new Secret('another'))).toBeUndefined();
  for (const text of ['', '\n', '{"one":1}', sealed.replace('1}', '2}')]) {
    expect(unseal(text, 'snapshot', key), text).toBeUndefined();
  }
});

it('keeps a key for the server alone, and replaces half a key', async () => {
  const path = join(directory, 'key');
  const made = (await openSealKey(path)).reveal();
  expect(made).toMatch(/^[0-9a-f]{64}$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await openSealKey(path)).reveal()).toBe(made);
  await writeFile(path, made.slice(1));
  expect((await openSealKey(path)).reveal()).toMatch(/^[0-9a-f]{64}$/);
});
