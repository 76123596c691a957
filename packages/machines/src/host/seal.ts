import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

import { Secret } from '@sallyport/core';

import { hasCode } from './safe-directory.ts';

/** Returns a value as text: a line with the code that only the key's holder can make for this purpose, then its JSON. */
export function seal(value: object, purpose: string, key: Secret): string {
  const text = JSON.stringify(value);
  return `${authenticate(text, purpose, key)}\n${text}`;
}

/** Returns `undefined` if the key's holder did not write the text for this purpose. */
export function unseal(sealed: string, purpose: string, key: Secret): unknown {
  const line = sealed.indexOf('\n');
  const [given, text] = [Buffer.from(sealed.slice(0, Math.max(line, 0))), sealed.slice(line + 1)];
  const expected = Buffer.from(authenticate(text, purpose, key));
  return given.length === expected.length && timingSafeEqual(given, expected) ? JSON.parse(text) : undefined;
}

/** Reads a sealed value without its key, and so without knowing who wrote it. Returns `undefined` if it is not JSON. */
export function readUnverified(sealed: string): unknown {
  try {
    return JSON.parse(sealed.slice(sealed.indexOf('\n') + 1));
  } catch {
    return undefined;
  }
}

const KEY_BYTES = 32;

/** Reads a key, and creates it if it is missing. Who can read it can read what it seals as well. */
export async function openSealKey(path: string): Promise<Secret> {
  await writeFile(path, randomBytes(KEY_BYTES).toString('hex'), { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  const key = await readFile(path, 'utf8');
  if (key.length === KEY_BYTES * 2) return new Secret(key);
  // A server that died while it wrote it has signed nothing with it.
  await writeFile(path, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600 });
  return new Secret(await readFile(path, 'utf8'));
}

const authenticate = (text: string, purpose: string, key: Secret): string =>
  createHmac('sha256', key.reveal()).update(`${purpose}\n`).update(text).digest('hex');
