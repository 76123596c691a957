import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CallbackPortLease, CallbackPortRequest } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCallbackPorts } from './callback-ports.ts';

let claims: string;
let first: number;
let second: number;
const cleaners: (() => unknown)[] = [];
beforeEach(async () => {
  claims = mkdtempSync(join(tmpdir(), 'sp-ports-'));
  cleaners.push(() => rmSync(claims, { recursive: true }));
  [first, second] = await findFreePorts();
});
afterEach(async () => {
  for (const clean of cleaners.splice(0).toReversed()) {
    await clean();
  }
});

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function occupy(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

async function findFreePorts(): Promise<[number, number]> {
  const servers = [await occupy(0), await occupy(0)] as const;
  const ports: [number, number] = [portOf(servers[0]), portOf(servers[1])];
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function ask(change: Partial<CallbackPortRequest> = {}): CallbackPortRequest {
  return {
    ports: [first, second],
    path: '/auth/callback',
    mode: 'forward',
    signal: new AbortController().signal,
    onWait: () => {},
    onCallback: async () => true,
    ...change,
  };
}

async function acquire(
  change: Partial<CallbackPortRequest> = {},
  ports = createCallbackPorts({ claims }),
): Promise<CallbackPortLease> {
  const lease = await ports.acquire(ask(change));
  cleaners.push(() => lease.release());
  return lease;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function get(path: string, options: { host?: string; method?: string; address?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port: first,
        host: options.address ?? '127.0.0.1',
        path,
        method: options.method ?? 'GET',
        headers: { host: options.host ?? `localhost:${first}` },
      },
      (response) => {
        let body = '';
        response.on('data', (chunk) => (body += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function linkToPipe(path: string): void {
  execFileSync('mkfifo', [`${path}.pipe`]);
  symlinkSync(`${path}.pipe`, path);
}

describe('the callback ports of a host', () => {
  it('hands a callback to the login and shows a page that keeps nothing', async () => {
    const queries: string[] = [];
    const lease = await acquire({ onCallback: async (query) => queries.push(query.toString()) > 0 });
    expect(lease.occupied).toEqual([]);
    const { status, headers, body } = await get('/auth/callback?code=secret-code&state=s%20s');
    expect(status).toBe(200);
    expect(queries).toEqual(['code=secret-code&state=s+s']);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers).not.toHaveProperty('location');
    expect(body).toContain('You can close this page');
    expect(body).toContain('Go back to the page where you started');
    expect(body).not.toContain('secret-code');
  });

  it('receives a callback to the IPv6 loopback address too, and gives that port back', async () => {
    const there = { address: '::1', host: `[::1]:${first}` };
    const lease = await acquire();
    expect(await get('/auth/callback?code=c&state=s', there)).toMatchObject({ status: 200 });
    await lease.release();
    await expect(get('/auth/callback?code=c&state=s', there)).rejects.toThrow('ECONNREFUSED');
  });

  it('does not say that a user is signed in, who may have refused', async () => {
    await acquire();
    const refusal = await get('/auth/callback?error=access_denied&state=s');
    const code = await get('/auth/callback?code=c&state=s');
    expect(refusal).toMatchObject({ status: 200, body: code.body });
    expect(code.body).not.toMatch(/signed in/i);
  });

  it('answers one fixed page to whatever the CLI refuses or nobody asked for', async () => {
    let calls = 0;
    await acquire({
      onCallback: async () => {
        calls += 1;
        return calls === 1 ? false : Promise.reject(new Error('gone'));
      },
    });
    expect((await get('/auth/callback?error=<script>')).status).toBe(400);
    expect((await get('/auth/callback?error=<script>')).body).not.toContain('script');
    expect(calls).toBe(2);
    for (const path of [
      '/',
      '/auth/callback/',
      '/auth/callbackx',
      '//auth/callback',
      '/auth/../auth/callback',
      `http://localhost:${first}/auth/callback`,
    ]) {
      expect((await get(path)).status, path).toBe(404);
    }
    for (const host of ['evil.test', `evil.test:${first}`, 'localhost', `127.0.0.1:${second}`]) {
      expect((await get('/auth/callback', { host })).status, host).toBe(404);
    }
    for (const method of ['POST', 'PUT', 'OPTIONS', 'HEAD']) {
      expect((await get('/auth/callback', { method })).status, method).toBe(405);
    }
    expect((await get(`/auth/callback?code=${'x'.repeat(10_000)}`)).status).toBe(431);
    expect(calls).toBe(2);
  });

  it('makes the next login wait, tells it so once, and serves in order', async () => {
    const ports = createCallbackPorts({ claims });
    const order: string[] = [];
    const one = await acquire({}, ports);
    const two = acquire({ onWait: () => void order.push('two waits') }, ports).then(
      (lease) => (order.push('two'), lease),
    );
    const three = acquire({ ports: [second], onWait: () => void order.push('three waits') }, ports).then(
      (lease) => (order.push('three'), lease),
    );
    await Promise.resolve();
    expect(order).toEqual(['two waits', 'three waits']);
    await one.release();
    const lease = await two;
    expect(order).toEqual(['two waits', 'three waits', 'two']);
    await lease.release();
    await lease.release();
    await three;
    expect(order.at(-1)).toBe('three');
  });

  it('forgets those who give up waiting', async () => {
    const ports = createCallbackPorts({ claims });
    const one = await acquire({}, ports);
    const controller = new AbortController();
    const two = acquire({ signal: controller.signal }, ports);
    const three = acquire({}, ports);
    controller.abort(new Error('cancelled'));
    await expect(two).rejects.toThrow('cancelled');
    await one.release();
    await three;
  });

  it.each(['forward', 'reserve'] as const)(
    'tells which ports something else has, and fails when it has all (%s)',
    async (mode) => {
      const other = await occupy(first);
      cleaners.push(() => other.close());
      const ports = createCallbackPorts({ claims });
      const lease = await acquire({ mode }, ports);
      expect(lease.occupied).toEqual([first]);
      await lease.release();
      const another = await occupy(second);
      cleaners.push(() => another.close());
      const failed = ports.acquire(ask({ mode }));
      await expect(failed).rejects.toMatchObject({
        code: 'LOGIN_PORT_TAKEN',
        message: expect.stringContaining(`${first} and ${second}`),
      });
      expect(readdirSync(claims)).toEqual([]);
      another.close();
      await expect.poll(async () => (await acquire({ mode }, ports)).occupied).toEqual([first]);
    },
  );

  it('leaves a reserved port free for the CLI, and keeps another server of the host away from it', async () => {
    const lease = await acquire({ mode: 'reserve' });
    const cli = await occupy(first);
    cleaners.push(() => cli.close());
    const otherServer = createCallbackPorts({ claims });
    const meanwhile = await acquire({ mode: 'reserve', ports: [first, second] }, otherServer).catch(
      (error: unknown) => error,
    );
    expect(meanwhile).toMatchObject({ code: 'LOGIN_PORT_TAKEN' });
    await lease.release();
  });

  it('takes no account of a claim whose server is gone', async () => {
    writeFileSync(join(claims, `sallyport-callback-${first}.lock`), '{"pid":1,"born":"long ago"}');
    expect((await acquire()).occupied).toEqual([]);
  });

  describe.each([
    ['a named pipe', (path: string) => execFileSync('mkfifo', [path]), 'is not a regular file'],
    ['a symbolic link to a named pipe', linkToPipe, 'is a symbolic link'],
    ['a symbolic link to an endless file', (path: string) => symlinkSync('/dev/zero', path), 'is a symbolic link'],
    ['a directory', (path: string) => mkdirSync(path), 'is not a regular file'],
  ])('with %s where a claim should be', (_what, plant, problem) => {
    it('fails clearly if there is no other port, and does not remove it', async () => {
      const path = join(claims, `sallyport-callback-${first}.lock`);
      plant(path);
      const before = readdirSync(claims);
      await expect(acquire({ ports: [first] })).rejects.toMatchObject({
        code: 'LOGIN_PORT_TAKEN',
        message: `The callback port cannot be claimed: ${path} ${problem}.`,
      });
      expect(readdirSync(claims)).toEqual(before);
    });

    it('goes on with another port', async () => {
      plant(join(claims, `sallyport-callback-${first}.lock`));
      expect((await acquire()).occupied).toEqual([first]);
    });
  });

  it('reads no more of a claim than a claim can hold', async () => {
    writeFileSync(join(claims, `sallyport-callback-${first}.lock`), ' '.repeat(1024 * 1024));
    expect((await acquire()).occupied).toEqual([]);
  });

  it('has nothing to do for a method without fixed ports', async () => {
    expect((await acquire({ ports: [] })).occupied).toEqual([]);
  });
});
