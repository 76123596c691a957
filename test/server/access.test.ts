import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loopbackHosts, securityHeaders } from '../../packages/server/src/auth/access.ts';
import { rawRequest } from './raw-request.ts';
import type { RawResponse } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
let port: number;

beforeAll(async () => {
  server = await startTestServer();
  port = Number(new URL(server.url).port);
});
afterAll(() => server.close());

/** `PORT` in a header stands for the server's own port. */
function get(target: string, headers: readonly string[], version = '1.1'): Promise<RawResponse> {
  const lines = headers.map((header) => header.replaceAll('PORT', String(port)));
  return rawRequest(port, [`GET ${target} HTTP/${version}`, ...lines, 'Connection: close']);
}

describe('Host', () => {
  it.each(['127.0.0.1:PORT', 'localhost:PORT', '[::1]:PORT', 'LocalHost:PORT'])('%s is answered', async (host) => {
    expect((await get('/api/providers', [`Host: ${host}`])).status).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:PORT',
    'localhost',
    '127.0.0.1',
    'localhost:1',
    'localhost:PORT.evil.example',
    'localhost.evil.example:PORT',
    'evil-localhost:PORT',
    'localhost.:PORT',
    'user@localhost:PORT',
    'localhost:PORT:PORT',
    '127.0.0.1.nip.io:PORT',
    '127.1:PORT',
    '2130706433:PORT',
    '0.0.0.0:PORT',
    '[::]:PORT',
    '[::ffff:127.0.0.1]:PORT',
    'localhost:0PORT',
    '',
  ])('"%s" is refused', async (host) => {
    const response = await get('/api/providers', [`Host: ${host}`]);
    expect(response.status).toBe(403);
    expect(JSON.parse(response.body)).toMatchObject({ code: 'ACCESS_DENIED' });
  });

  it('must be there, also in HTTP/1.0', async () => {
    expect((await get('/api/providers', [], '1.0')).status).toBe(403);
    expect((await get('/api/providers', [])).status).toBe(400);
    expect((await get('/api/providers', ['Host: localhost:PORT'], '1.0')).status).toBe(200);
  });

  it('must be there once', async () => {
    const response = await get('/api/providers', ['Host: localhost:PORT', 'Host: evil.example']);
    expect([400, 403]).toContain(response.status);
  });

  it.each(['http://evil.example/api/providers', 'http://localhost/api/providers', '*'])(
    'is not the whole truth where the request line holds %s',
    async (target) => {
      expect((await get(target, ['Host: localhost:PORT'])).status).toBe(403);
    },
  );

  it('is checked for what does not exist, and for files', async () => {
    expect((await get('/nowhere', ['Host: evil.example'])).status).toBe(403);
    expect((await get('/page.js', ['Host: evil.example'])).status).toBe(403);
  });

  it('may be the address the server was bound to, and go without its port where that is 80', () => {
    expect(loopbackHosts({ address: '127.0.0.9', port: 5, family: 'IPv4' })).toContain('127.0.0.9:5');
    expect(loopbackHosts({ address: '::1', port: 5, family: 'IPv6' })).toContain('[::1]:5');
    expect(loopbackHosts({ address: '127.0.0.1', port: 80, family: 'IPv4' })).toContain('localhost');
    expect(loopbackHosts({ address: '127.0.0.1', port: 81, family: 'IPv4' })).not.toContain('localhost');
  });
});

describe('Origin', () => {
  it.each([
    ['http://localhost:PORT', 200],
    ['http://127.0.0.1:PORT', 403],
    ['https://localhost:PORT', 403],
    ['http://localhost', 403],
    ['http://localhost:PORT.evil.example', 403],
    ['http://evil.example', 403],
    ['null', 403],
    ['', 403],
  ])('%s of a page at localhost gets %d', async (origin, status) => {
    const response = await get('/api/providers', ['Host: localhost:PORT', `Origin: ${origin}`]);
    expect(response.status).toBe(status);
  });
});

describe('Sec-Fetch-Site', () => {
  const visit = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
  it.each([
    ['a request of our page', '/api/providers', ['same-origin'], 200],
    ['a request of another page', '/api/providers', ['cross-site'], 403],
    ['a request of a page on another port', '/api/providers', ['same-site'], 403],
    ['an address typed by the user', '/', ['none', ...visit], 200],
    ['a typed address of the API', '/api/providers', ['none', ...visit], 200],
    ['something a browser does by itself', '/api/providers', ['none'], 403],
    ['a link of another page to ours', '/', ['cross-site', ...visit], 200],
    ['a link with a query', '/?from=mail', ['cross-site', ...visit], 200],
    ['a link from another port', '/', ['same-site', ...visit], 200],
    ['a link of another page into the API', '/api/providers', ['cross-site', ...visit], 403],
    ['a link that looks like our page', '//api/providers', ['cross-site', ...visit], 403],
    ['a frame in another page', '/', ['cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'], 403],
    ['a script of another page', '/page.js', ['cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: script'], 403],
    ['nonsense', '/api/providers', ['same-origin, cross-site'], 403],
  ])('%s', async (_what, target, [site, ...more], status) => {
    const response = await get(target, ['Host: localhost:PORT', `Sec-Fetch-Site: ${site}`, ...more]);
    expect(response.status).toBe(status);
  });

  it('lets no form of another page through', async () => {
    const lines = ['POST / HTTP/1.1', `Host: localhost:${port}`, 'Sec-Fetch-Site: cross-site', ...visit];
    const response = await rawRequest(port, [...lines, 'Content-Length: 0', 'Connection: close']);
    expect(response.status).toBe(403);
  });
});

describe('a body', () => {
  const start = JSON.stringify({ provider: 'fake' });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json', ''])(
    'declared as "%s" is refused',
    async (type) => {
      const lines = ['POST /api/auth/start HTTP/1.1', `Host: localhost:${port}`, `Content-Type: ${type}`];
      const response = await rawRequest(
        port,
        [...lines, `Content-Length: ${start.length}`, 'Connection: close'],
        start,
      );
      expect(response.status).toBe(415);
      expect(JSON.parse(response.body)).toMatchObject({ code: 'REQUEST_UNSUPPORTED_TYPE' });
    },
  );

  it('without a type is refused, and with a charset is taken', async () => {
    const lines = [
      'POST /api/auth/start HTTP/1.1',
      `Host: localhost:${port}`,
      'Connection: close',
      'Content-Length: 2',
    ];
    expect((await rawRequest(port, lines, '{}')).status).toBe(415);
    const typed = [...lines, 'Content-Type: application/json; charset=utf-8'];
    expect((await rawRequest(port, typed, '{}')).status).toBe(400);
  });

  it('of a request that changes something is JSON even where it may be empty', async () => {
    const lines = ['POST /api/vms/m-1/destroy HTTP/1.1', `Host: localhost:${port}`, 'Connection: close'];
    const form = [...lines, 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 3'];
    expect((await rawRequest(port, form, 'a=b')).status).toBe(415);
  });
});

describe('security headers', () => {
  it.each([
    ['the page', '/', 200],
    ['a script', '/page.js', 200],
    ['the API', '/api/providers', 200],
    ['metrics', '/metrics', 200],
    ['what does not exist', '/nowhere', 404],
    ['an address that cannot be decoded', '/%ff', 400],
    ['an egress route of the directory', '/%2e%2e/%2e%2e/etc/passwd', 400],
    ['an invalid id', '/api/auth/session/1/status', 400],
    ['the viewer page', '/api/auth/session/11111111-1111-4111-8111-111111111111/novnc', 200],
  ])('are on %s', async (_what, target, status) => {
    const response = await get(target, ['Host: localhost:PORT']);
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject(securityHeaders);
  });

  it('are on the answer to a malformed request', async () => {
    for (const lines of [
      ['nonsense'],
      ['GET /%zz'],
      [`GET / HTTP/1.1`, `X: ${'x'.repeat(20_000)}`],
      ['GET a:1 HTTP/1.1', 'Host: localhost'],
    ]) {
      const response = await rawRequest(port, lines);
      expect([400, 431]).toContain(response.status);
      expect(response.headers).toMatchObject(securityHeaders);
      expect(JSON.parse(response.body)).toMatchObject({ status: response.status });
    }
  });

  it('are on a refusal', async () => {
    expect((await get('/', ['Host: evil.example'])).headers).toMatchObject(securityHeaders);
  });
});
