import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readSlowly } from '../../../../test/setup/read-slowly.ts';
import { startHelper } from './network-helper.ts';
import type { NetworkHelper } from './network-helper.ts';

const GATEWAY = '127.0.0.1';
/** Addresses of the loopback network stand in for guests: the source address says who it is, as on the bridge. */
const GUEST = '127.0.0.2';
const OTHER_GUEST = '127.0.0.3';
/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();

describe.runIf(process.platform === 'linux')('the helper inside the network of machines', () => {
  let directory: string;
  let controlSocket: string;
  let egressPort: number;
  let helper: NetworkHelper;
  const servers: Server[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-helper-'));
    controlSocket = join(directory, 'control', 'c.sock');
    egressPort = await freePort();
    const endOthers = async (): Promise<void> => {};
    helper = await startHelper({
      enter: [],
      controlSocket,
      gateway: GATEWAY,
      egressPort,
      clock: systemClock,
      endOthers,
    });
  });

  afterEach(async () => {
    await helper.stop();
    for (const server of servers.splice(0)) server.close();
    await rm(directory, { recursive: true });
  });

  async function serve(where: { path: string } | { host: string; port: number }, onSocket: (socket: Socket) => void) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      onSocket(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(where, resolve));
  }

  /** An egress proxy that says its name and then what it hears. */
  async function proxy(name: string): Promise<string> {
    const path = join(directory, `${name}.sock`);
    await serve({ path }, (socket) => {
      socket.write(`${name} `);
      socket.pipe(socket);
    });
    return path;
  }

  function guest(address: string): Socket {
    return connect({ host: GATEWAY, port: egressPort, localAddress: address, allowHalfOpen: true }).on(
      'error',
      () => {},
    );
  }

  it('leads each guest to its own egress, and nobody else to any', async () => {
    await helper.open(GUEST, await proxy('one'));
    await helper.open(OTHER_GUEST, await proxy('two'));
    expect(await say(guest(GUEST), 'hello')).toBe('one hello');
    expect(await say(guest(OTHER_GUEST), 'hello')).toBe('two hello');
    expect(await say(guest('127.0.0.4'), 'hello')).toBe('');
  });

  it('keeps its socket from other users', async () => {
    expect((await stat(controlSocket)).mode & 0o777).toBe(0o600);
  });

  it('fails closed: without a proxy behind the socket, a guest reaches nothing', async () => {
    await helper.open(GUEST, join(directory, 'absent.sock'));
    expect(await say(guest(GUEST), 'hello')).toBe('');
  });

  it('ends the connections of a machine that gives its place up, and takes no more', async () => {
    await helper.open(GUEST, await proxy('one'));
    const open = guest(GUEST);
    await new Promise((resolve) => open.once('data', resolve));
    const closed = new Promise((resolve) => open.once('close', resolve));
    await helper.close(GUEST);
    await closed;
    expect(await say(guest(GUEST), 'hello')).toBe('');
    await expect(helper.connect(GUEST, 8080, { signal })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('reads no faster than the other side does, and loses nothing', async () => {
    const path = join(directory, 'slow.sock');
    let accept: (socket: Socket) => void = () => {};
    const accepted = new Promise<Socket>((resolve) => (accept = resolve));
    await serve({ path }, (socket) => accept(socket.pause()));
    await helper.open(GUEST, path);
    const sender = guest(GUEST);
    const size = 64 * 1024 * 1024;
    sender.end(Buffer.alloc(size, 1));
    const slow = await accepted;
    let [received, mostUnderway] = [0, 0];
    await readSlowly(slow, (chunk) => {
      received += chunk.length;
      mostUnderway = Math.max(mostUnderway, sender.bytesWritten - sender.writableLength - received);
    });
    expect(received).toBe(size);
    expect(mostUnderway).toBeLessThan(size / 2);
    slow.end();
  });

  it('lets a guest have a bounded number of connections', async () => {
    await helper.open(GUEST, await proxy('one'));
    const sockets = Array.from({ length: 140 }, () => guest(GUEST));
    const answers = await Promise.all(
      sockets.map(
        (socket) =>
          new Promise((resolve) => socket.once('data', () => resolve(true)).once('close', () => resolve(false))),
      ),
    );
    expect(answers.filter(Boolean)).toHaveLength(128);
    for (const socket of sockets) socket.destroy();
  });

  it('leads the server to a port of a guest, and says so when nobody listens there', async () => {
    const port = await freePort();
    await serve({ host: GUEST, port }, (socket) => {
      socket.write('guest ');
      socket.pipe(socket);
    });
    await helper.open(GUEST, await proxy('one'));
    expect(await say(await helper.connect(GUEST, port, { signal }), 'hello')).toBe('guest hello');
    await expect(helper.connect(GUEST, await freePort(), { signal })).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
      cause: expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED') }),
    });
    await expect(helper.connect(OTHER_GUEST, port, { signal })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    await expect(helper.connect(GUEST, port, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });

  it('is back after kill -9 and knows all machines', async () => {
    await helper.open(GUEST, await proxy('one'));
    const open = guest(GUEST);
    await new Promise((resolve) => open.once('data', resolve));
    const ended = new Promise((resolve) => open.once('end', resolve).once('close', resolve));
    process.kill(helperProcess(controlSocket), 'SIGKILL');
    await ended;
    open.destroy();
    await expect.poll(() => say(guest(GUEST), 'hello')).toBe('one hello');
  });
});

/** By what it was started with, of which it has the control socket alone. */
function helperProcess(controlSocket: string): number {
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(controlSocket)) return pid;
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error('No helper runs.');
}

/** Sends, ends, and returns all that comes back: which takes a connection whose directions end one by one. */
async function say(socket: Socket, text: string): Promise<string> {
  socket.on('error', () => {});
  socket.end(text);
  let answer = '';
  await new Promise((resolve) => {
    socket.on('data', (chunk) => (answer += String(chunk))).once('close', resolve);
  });
  return answer;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, GATEWAY, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
