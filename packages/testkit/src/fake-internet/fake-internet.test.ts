import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createEgressClient, type EgressRequest, type EgressResponse } from './egress-client.ts';
import { createFakeInternetControl, type FakeInternetControl } from './control.ts';
import { createFakeInternet, type FakeInternet } from './fake-internet.ts';

let directory: string;
let internet: FakeInternet;
let control: FakeInternetControl;
let refused: string[];
let send: (url: string, request?: EgressRequest) => Promise<EgressResponse>;
let socketPath: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fi-'));
  internet = await createFakeInternet({
    directory,
    sites: {
      'refuses.test': (_request, response) => {
        response.writeHead(403, { 'content-type': 'application/json' });
        response.write('{"error":"invalid_client","error_description":"not that of short-refresh-1');
        response.end('","access_token":"short-2"}');
      },
      'fails.test': (_request, response) => {
        response.writeHead(500, { 'content-type': 'text/plain' });
        response.end('no '.repeat(400_000));
      },
      'echo.test': (request, response, visit) => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ path: request.url, ...visit }));
      },
    },
  });
  control = createFakeInternetControl(internet.controlSocket);
  refused = [];
  const route = await internet.open(
    {
      machineId: 'm-one',
      userId: 'u-one',
      purpose: 'work',
      hosts: ['echo.test', '*.empty.test', 'refuses.test', 'fails.test'],
      identity: { userId: 'u-one' },
    },
    { signal: AbortSignal.timeout(60_000), onRefused: (host) => refused.push(host) },
  );
  socketPath = route.socketPath;
  send = createEgressClient(route);
});

afterEach(async () => {
  await internet.close();
  await rm(directory, { recursive: true, force: true });
});

describe('fake internet', () => {
  it('tells a site which machine a request came from', async () => {
    const { status, body } = await send('https://echo.test/a?b=c');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      path: '/a?b=c',
      host: 'echo.test',
      machineId: 'm-one',
      userId: 'u-one',
      purpose: 'work',
    });
  });

  it('is not believed by a machine that does not trust its authority', async () => {
    await expect(createEgressClient({ socketPath })('https://echo.test/')).rejects.toThrow(/certificate/);
  });

  it('refuses hosts that are not on the list, and other ports, and says which', async () => {
    await expect(send('https://elsewhere.test/')).rejects.toMatchObject({ code: 'EGRESS_REFUSED' });
    await expect(send('https://echo.test:8443/')).rejects.toMatchObject({ code: 'EGRESS_REFUSED' });
    expect(refused).toEqual(['elsewhere.test', 'echo.test']);
  });

  it('answers 502 for an allowed host without a site', async () => {
    expect((await send('https://www.empty.test/')).status).toBe(502);
  });

  it('refuses a Host header that differs from the host the tunnel was opened to', async () => {
    expect((await send('https://echo.test/', { headers: { host: 'other.test' } })).status).toBe(421);
  });

  it('takes content encodings off request bodies', async () => {
    for (const [encoding, body] of [
      ['zstd', zstdCompressSync('hello')],
      ['gzip', gzipSync('hello')],
    ] as const) {
      const answer = await send('https://echo.test/', {
        method: 'POST',
        body,
        headers: { 'content-encoding': encoding },
      });
      expect(JSON.parse(answer.body)).toMatchObject({ body: 'hello' });
    }
    const broken = await send('https://echo.test/', {
      method: 'POST',
      body: 'not zstd',
      headers: { 'content-encoding': 'zstd' },
    });
    expect(broken.status).toBe(400);
  });

  it('answers a websocket upgrade with 426', async () => {
    const { status } = await send('https://echo.test/', {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    });
    expect(status).toBe(426);
    expect(internet.log().at(-1)).toMatchObject({ status: 426 });
  });

  it("serves the user's own browser on loopback, under each host's name", async () => {
    const url = internet.userUrl('https://echo.test/login?x=1');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/echo\.test\/login\?x=1$/);
    expect(await (await fetch(url)).json()).toMatchObject({ path: '/login?x=1', machineId: 'person' });
    expect(internet.userUrl('https://real.test/login')).toBe('https://real.test/login');
    expect((await fetch(`${internet.loopback}/real.test/`)).status).toBe(404);
  });

  it('shows an author what was sent, with secrets replaced, the same one by the same name', async () => {
    const post = (body: string, headers: Readonly<Record<string, string>>): Promise<unknown> =>
      send('https://echo.test/v1/chat?state=short-1&page=2', { method: 'POST', headers, body });
    await post('grant_type=refresh_token&refresh_token=short-2&client_id=cli', {
      'content-type': 'application/x-www-form-urlencoded',
      'x-api-key': 'short-3',
      cookie: 'sid=short-4',
      'user-agent': 'cli/1.2.3',
    });
    await post('{"model":"m-4-20250929","max_tokens":5,"messages":[{"content":"gho_0123456789abcdefABCD"}]}', {
      'content-type': 'application/json',
      authorization: 'Bearer short-2',
    });
    await post(`not json: password = "short-five-5" ${'x '.repeat(20_000)}`, { 'content-type': 'text/plain' });
    const log = internet.log();
    const printed = inspect(log, { depth: 9 });
    expect(printed).not.toMatch(/short-|gho_/);
    expect(log).toMatchObject([
      {
        method: 'POST',
        host: 'echo.test',
        path: '/v1/chat',
        shown: {
          query: 'state=[secret 1]&page=2',
          headers: { 'user-agent': 'cli/1.2.3', 'x-api-key': '[secret 2]', cookie: '[secret 3]' },
          body: 'grant_type=refresh_token&refresh_token=[secret 4]&client_id=cli',
        },
      },
      {
        shown: {
          headers: { authorization: 'Bearer [secret 4]' },
          body: '{"model":"m-4-20250929","max_tokens":5,"messages":[{"content":"[secret 5]"}]}',
        },
      },
      {
        shown: {
          body: expect.stringMatching(/^not json: password = "\[secret 6\]" x .{10,20000} … \(shortened from \d+ /),
        },
      },
    ]);
  });

  it('shows the client id of a request, which is not a secret, however random it looks', async () => {
    const id = '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.test';
    await send(`https://echo.test/authorize?client_id=${id}`);
    await send('https://echo.test/', { method: 'POST', body: JSON.stringify({ client_id: id, note: `for ${id}` }) });
    expect(internet.log()).toMatchObject([
      { shown: { query: `client_id=${id}` } },
      { shown: { body: JSON.stringify({ client_id: id, note: `for ${id}` }) } },
    ]);
  });

  it('hides a secret also where it is sent as a client id', async () => {
    await send('https://echo.test/?refresh_token=short-secret-1');
    await send('https://echo.test/?client_id=short-secret-1');
    expect(internet.log().at(-1)).toMatchObject({ shown: { query: 'client_id=[secret 1]' } });
  });

  it('shows why a site refused, with secrets replaced, and nothing of what it granted', async () => {
    await send('https://refuses.test/token', {
      method: 'POST',
      body: 'refresh_token=short-refresh-1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    await send('https://fails.test/');
    await send('https://www.empty.test/');
    await send('https://echo.test/');
    await send('https://echo.test/', { method: 'POST', body: 'x', headers: { 'content-encoding': 'zstd' } });
    const log = internet.log();
    expect(log).toMatchObject([
      {
        status: 403,
        shown: {
          answer: '{"error":"invalid_client","error_description":"not that of [secret 1]","access_token":"[secret 2]"}',
        },
      },
      { status: 500, shown: { answer: expect.stringMatching(/^(no )+.{0,2} … \(shortened from \d+ characters\)$/) } },
      { status: 502, shown: { answer: expect.stringContaining('has no site at www.empty.test') } },
      { status: 200 },
      { status: 400, shown: { answer: expect.stringContaining('not valid zstd') } },
    ]);
    expect(log[1]?.shown.answer?.length).toBeLessThan(17_000);
    expect(log[3]?.shown.answer).toBeUndefined();
    expect(inspect(log, { depth: 9 })).not.toContain('short-');
    expect((await control.log())[0]?.shown.answer).toBe(log[0]?.shown.answer);
  });

  it('logs requests for assertions without ever printing a token', async () => {
    await send('https://echo.test/p?code=canary', {
      method: 'POST',
      headers: { authorization: 'Bearer canary' },
      body: 'canary',
    });
    const [entry] = await control.log();
    expect(entry).toMatchObject({ machineId: 'm-one', path: '/p', status: 200 });
    expect(entry?.authorization.reveal()).toBe('Bearer canary');
    expect(entry?.body.reveal()).toBe('canary');
    expect(inspect(internet.log(), { depth: 9 })).not.toContain('canary');
  });

  it('can be steered from another process', async () => {
    await control.setFaults({ network: { dropConnections: true } });
    await expect(send('https://echo.test/')).rejects.toThrow(/hang up|ECONNRESET/);
    await control.setFaults({ network: { dropConnections: false } });
    expect((await send('https://echo.test/')).status).toBe(200);
    expect(await control.state()).toMatchObject({ network: { faults: { dropConnections: false } } });
    await expect(control.setFaults({ network: { unknown: 1 } })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(control.setFaults({ nothing: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('puts its sockets elsewhere when the directory is too deep for them, and leads there', async () => {
    const deep = join(directory, 'd'.repeat(100), 'internet');
    const other = await createFakeInternet({ directory: deep, sites: {} });
    const elsewhere = await realpath(deep);
    expect(other.controlSocket).toBe(join(elsewhere, 'control.sock'));
    expect(await createFakeInternetControl(other.controlSocket).state()).toMatchObject({ network: {} });
    // As after a crash: the next one tidies up.
    const next = await createFakeInternet({ directory: deep, sites: {} });
    await expect(readdir(elsewhere)).rejects.toMatchObject({ code: 'ENOENT' });
    await next.close();
    await other.close();
    await expect(realpath(deep)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lets others pass through the directory of its sockets, and list nothing', async () => {
    expect((await stat(directory)).mode & 0o777).toBe(0o711);
  });
});
