import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { once } from 'node:events';

import { expect, it } from 'vitest';

import { parseServerUrl, sendLogin } from './send-login.ts';

it.each([
  ['https://connect.example.com', 'https://connect.example.com'],
  ['https://connect.example.com:8443/', 'https://connect.example.com:8443'],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
  ['http://localhost:4000/', 'http://localhost:4000'],
  ['http://[::1]:4000', 'http://[::1]:4000'],
])('sends a login to %s', (given, address) => {
  expect(parseServerUrl(given)).toBe(address);
});

it.each([
  ['http://connect.example.com', /must be https/],
  ['http://127.0.0.1.example.com', /must be https/],
  ['http://localhost.example.com', /must be https/],
  ['http://10.0.0.1', /must be https/],
  ['http://0.0.0.0', /must be https/],
  ['ftp://127.0.0.1', /must be a URL/],
  ['connect.example.com', /must be a URL/],
  ['', /must be a URL/],
  ['https://ada:secret@connect.example.com', /without a path, a user or a query/],
  ['https://connect.example.com/path', /without a path, a user or a query/],
  ['https://connect.example.com/?x', /without a path, a user or a query/],
])('sends none to %j', (given, message) => {
  expect(() => parseServerUrl(given)).toThrow(message);
});

const login = { provider: 'acme', files: { auth: 'secret-text' }, replace: undefined };

async function sendTo(answer: RequestListener, ...[token]: readonly string[]): Promise<unknown> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  try {
    return await sendLogin(login, { baseUrl: `http://127.0.0.1:${port}`, token, userId: undefined });
  } catch (error) {
    return error;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

it('follows no redirect, not even on the same server', async () => {
  const asked: (string | undefined)[] = [];
  const error = await sendTo((request, response) => {
    asked.push(request.url);
    response.writeHead(308, { location: '/elsewhere' }).end();
  });
  expect(asked).toEqual(['/api/credentials/acme']);
  expect(error).toMatchObject({ code: 'CREDENTIAL_REFUSED' });
});

it('says that a server asks for a token, if none was given', async () => {
  const refuse: RequestListener = (_request, response) => response.writeHead(401).end();
  const hint = expect.stringContaining('give a token by --token-file');
  expect(await sendTo(refuse)).toMatchObject({ hint });
  expect(await sendTo(refuse, 'secret-token')).not.toMatchObject({ hint });
});

it('does not let a server write to the terminal', async () => {
  const problem = JSON.stringify({ code: 'INTERNAL', detail: 'a\u{1b}[2Jb', hint: 'c\u{7}' });
  const error = await sendTo((_request, response) =>
    response.writeHead(500, { 'content-type': 'application/problem+json' }).end(problem),
  );
  expect(error).toMatchObject({ message: 'Nothing was stored: a\\u{1b}[2Jb', hint: 'c\\u{7}' });
});

it.each([['{}'], ['{"version":"1"}'], ['<html>'], ['']])('does not take %j for an answer', async (body) => {
  const error = await sendTo((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(body),
  );
  expect(error).toMatchObject({ message: expect.stringContaining('did not answer as a Sallyport server does') });
});
