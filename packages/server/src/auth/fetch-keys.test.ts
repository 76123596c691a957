import { createServer } from 'node:http';
import type { Server } from 'node:http';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { discoveredKeys, keysAt } from './fetch-keys.ts';

const keys = { keys: [{ kty: 'EC', kid: 'one' }] };
/** Path → what is answered there. */
let answers: Readonly<Record<string, { readonly status?: number; readonly body: string; readonly location?: string }>> =
  {};
let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ''] ?? { status: 404, body: '' };
    response.writeHead(answer.status ?? 200, answer.location === undefined ? {} : { location: answer.location });
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${Object(server.address()).port}`;
});
afterAll(() => server.close());

const discovery = (change: object = {}) => ({
  '/.well-known/openid-configuration': { body: JSON.stringify({ issuer: base, jwks_uri: `${base}/keys`, ...change }) },
  '/keys': { body: JSON.stringify(keys) },
});

it('fetches the keys from their address, or from the one that the issuer tells', async () => {
  answers = discovery();
  await expect(keysAt(`${base}/keys`)()).resolves.toEqual(keys);
  await expect(discoveredKeys(base)()).resolves.toEqual(keys);
});

it('believes no issuer that calls itself by another name', async () => {
  answers = discovery({ issuer: `${base}/other` });
  await expect(discoveredKeys(base)()).rejects.toThrow(/that of another issuer/);
});

it.each([
  ['an error', { status: 500, body: '' }, /answered 500/],
  ['what is not JSON', { body: '<html>' }, /JSON/],
  ['what is not a key set', { body: '{"keys":"one"}' }, /keys/],
  ['an answer without end', { body: `"${'x'.repeat(300_000)}"` }, /more than 262144 characters/],
])('refuses %s', async (_what, answer, message) => {
  answers = { '/keys': answer };
  await expect(keysAt(`${base}/keys`)()).rejects.toThrow(message);
});

it('does not follow to another address', async () => {
  answers = {
    '/keys': { status: 302, body: '', location: `${base}/elsewhere` },
    '/elsewhere': { body: JSON.stringify(keys) },
  };
  await expect(keysAt(`${base}/keys`)()).rejects.toThrow();
});
