import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import type { Machine, MachineExit } from '@sallyport/core/driver';
import type { AgentEvent } from '@sallyport/core/protocol';
import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it } from 'vitest';

import { connectAgent, createAgentClient } from './connect-agent.ts';

const canary = 'canary-token-0123456789abcdef-0123456789';
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) {
    close();
  }
});

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: (value) => resolve(value) };
}

async function listen(server: Server): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sp-agent-'));
  closers.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 's');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

interface FakeAgent {
  readonly machine: Machine;
  readonly requests: IncomingMessage[];
  exit(): void;
}

async function startAgent(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<FakeAgent> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handle(request, response);
  });
  server.on('upgrade', (request, socket: Socket) => {
    requests.push(request);
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: binary\r\n\r\nRFB`,
    );
    socket.on('data', (data) => socket.write(data));
  });
  const socketPath = await listen(server);
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const exited = deferred<MachineExit>();
  const machine: Machine = {
    id: 'm-test',
    exited: exited.promise,
    connect: async () => connect(socketPath),
    start: async () => {},
    stop: async () => {},
    destroy: async () => {},
    disk: { harvest: async () => [], inject: async () => {}, remove: async () => {} },
  };
  return { machine, requests, exit: () => exited.resolve({ code: 0, signal: null, console: '' }) };
}

const never = new AbortController().signal;
const event = (sessionId: string): string => JSON.stringify({ type: 'login.finished', sessionId });
const runRequest = {
  runId: '00000000-0000-4000-8000-000000000000',
  provider: 'codex',
  cli: { bin: {}, env: {}, settings: [] },
  argv: ['x'],
  prompt: 'p',
  workingDirectory: '~/work',
  timeoutMs: 1000,
  maxOutputBytes: 1000,
};

describe('the agent client', () => {
  it('sends the token as a header, and checks what it is answered', async () => {
    const agent = await startAgent((request, response) =>
      response.end(
        request.headers.authorization === `Bearer ${canary}`
          ? '{"status":"ok","timestamp":"2026-01-01T00:00:00Z","activeSessions":1}'
          : '{"status":"?"}',
      ),
    );
    expect(await connectAgent(agent.machine, new Secret(canary)).health(never)).toMatchObject({ activeSessions: 1 });
    await expect(connectAgent(agent.machine, new Secret('x')).health(never)).rejects.toMatchObject({
      code: 'AGENT_REFUSED',
    });
  });

  it('keeps the codes an agent may use and turns all others into AGENT_REFUSED', async () => {
    let code = 'LOGIN_ANSWER_UNEXPECTED';
    const agent = await startAgent((_request, response) => {
      response.statusCode = 409;
      response.end(JSON.stringify({ code, message: 'no question is open' }));
    });
    const client = connectAgent(agent.machine, new Secret(canary));
    const answer = (): Promise<void> =>
      client.answer('codex', { sessionId: 's', promptId: 'p', value: 'secret-answer' });
    await expect(answer()).rejects.toMatchObject({ code: 'LOGIN_ANSWER_UNEXPECTED', message: 'no question is open' });
    for (code of [
      'MACHINE_BUSY',
      'MACHINE_FAILED',
      'MACHINE_TIMED_OUT',
      'MACHINE_UNSUPPORTED',
      'MACHINE_DISK_UNSAFE',
      'PROVIDER_CLI_MISSING',
    ])
      await expect(answer()).rejects.toMatchObject({ code, message: 'no question is open' });
    for (code of ['STORE_CONFLICT', 'LOGIN_MADE_UP', 'CONFIG_INVALID', 'MACHINE_UNKNOWN', 'SERVER_SUPERSEDED']) {
      await expect(answer()).rejects.toMatchObject({ code: 'AGENT_REFUSED', details: { agentCode: code } });
    }
  });

  it('says whether the CLI took a callback, without the code of the sign-in in any error', async () => {
    let status = 200;
    let code = '';
    const agent = await startAgent((_request, response) => {
      response.statusCode = status;
      response.end(JSON.stringify({ code, message: 'no' }));
    });
    const client = connectAgent(agent.machine, new Secret(canary));
    const query = new URLSearchParams({ code: 'one-time', state: 's&s' });
    expect(await client.callback(query, never)).toBe(true);
    expect(agent.requests[0]?.url).toBe('/auth/callback?code=one-time&state=s%26s');
    status = 400;
    code = 'LOGIN_CALLBACK_REFUSED';
    expect(await client.callback(query, never)).toBe(false);
    status = 500;
    code = 'INTERNAL';
    const error: unknown = await client.callback(query, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'AGENT_REFUSED' });
    expect(String(error)).not.toContain('one-time');
  });

  it('reads a credential, knows when there is none, and refuses an endless answer', async () => {
    let answer: (response: ServerResponse) => void = (response) => response.end('{"files":{"auth":"{}"}}');
    const agent = await startAgent((_request, response) => answer(response));
    const client = connectAgent(agent.machine, new Secret(canary));
    expect(await client.capture('codex', [])).toEqual({ auth: '{}' });
    answer = (response) => {
      response.statusCode = 404;
      response.end('{"code":"CREDENTIAL_INCOMPLETE","message":"none"}');
    };
    expect(await client.capture('codex', [])).toBeUndefined();
    answer = (response) => response.end(Buffer.alloc(5 * 1024 * 1024, 'x'));
    await expect(client.capture('codex', [])).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  });

  it('is unreachable, and may be tried again, when the connection fails or breaks', async () => {
    const agent = await startAgent((request) => request.socket.destroy());
    const client = connectAgent(agent.machine, new Secret(canary));
    await expect(client.health(never)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE', retryable: true });
    const refusing = { ...agent.machine, connect: async () => Promise.reject(new Error('ECONNREFUSED')) };
    await expect(connectAgent(refusing, new Secret(canary)).openPage('https://x.test/')).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
    });
  });

  it('gives a desktop that is still starting longer to show a page than it gives other answers', async () => {
    const asked = deferred<void>();
    const { machine } = await startAgent((request, response) => {
      if (request.url === '/desktop/open') asked.resolve();
      else response.end('{"success":true}');
    });
    const clock = createVirtualClock();
    const agent = createAgentClient(machine, new Secret(canary), clock);
    const opening = agent.openPage('https://sign-in.example/').catch((error: unknown) => error);
    await asked.promise;
    await clock.advance(420_000);
    await agent.acknowledge('an-offer');
    await clock.advance(10_000);
    expect(await opening).toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: 'The agent did not answer POST /desktop/open within 430 s.',
    });
  });

  it('rejects with the reason of the signal', async () => {
    const agent = await startAgent(() => {});
    const controller = new AbortController();
    const health = connectAgent(agent.machine, new Secret(canary)).health(controller.signal);
    controller.abort(new Error('the user left'));
    await expect(health).rejects.toThrow('the user left');
  });

  it('takes events up again behind the last one it saw, and ends with the machine', async () => {
    const seen: unknown[] = [];
    let cut: () => void = () => undefined;
    const agent = await startAgent((request, response) => {
      seen.push(request.headers['last-event-id']);
      if (seen.length === 1) {
        response.write(`id: 1\ndata: ${event('a')}\n\nid: 2\ndata: ${event('b')}\n\nid: 3\ndata: {"cut`);
        cut = () => void response.destroy();
      } else {
        response.write(`id: 3\ndata: ${event('c')}\n\n`);
      }
    });
    const events: AgentEvent[] = [];
    for await (const next of connectAgent(agent.machine, new Secret(canary)).events(never)) {
      events.push(next);
      if (events.length === 2) cut();
      if (events.length === 3) {
        agent.exit();
      }
    }
    expect(events.map((next) => 'sessionId' in next && next.sessionId)).toEqual(['a', 'b', 'c']);
    expect(seen).toEqual([undefined, '2']);
  });

  it('ends the events with the reason of the signal, and refuses one outside the protocol', async () => {
    const agent = await startAgent((_request, response) => response.write(`id: 1\ndata: ${event('a')}\n\n`));
    const client = connectAgent(agent.machine, new Secret(canary));
    const controller = new AbortController();
    const collect = async (): Promise<void> => {
      for await (const _ of client.events(controller.signal)) {
        controller.abort(new Error('enough'));
      }
    };
    await expect(collect()).rejects.toThrow('enough');
    const odd = await startAgent((_request, response) => response.write('data: {"type":"login.root"}\n\n'));
    const first = connectAgent(odd.machine, new Secret(canary)).events(never)[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
  });

  it('streams a run to its exit, and notices when it is cut off', async () => {
    let last = `data: {"type":"exit","code":0,"signal":null,"reason":"ended"}\n\n`;
    const agent = await startAgent((_request, response) =>
      response.end(`data: {"type":"stdout","line":"one"}\n\n${last}`),
    );
    const client = connectAgent(agent.machine, new Secret(canary));
    const run = async (): Promise<string[]> => {
      const types = [];
      for await (const next of client.execute(runRequest, never)) {
        types.push(next.type);
      }
      return types;
    };
    expect(await run()).toEqual(['stdout', 'exit']);
    last = '';
    await expect(run()).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('closes the connection of a run when the loop is left', async () => {
    const closed = deferred<void>();
    const agent = await startAgent((request, response) => {
      request.socket.once('close', () => closed.resolve());
      response.write('data: {"type":"stdout","line":"one"}\n\n');
    });
    for await (const _ of connectAgent(agent.machine, new Secret(canary)).execute(runRequest, never)) {
      break;
    }
    await closed.promise;
  });

  it('upgrades to the screen and hands over what came behind the 101', async () => {
    const agent = await startAgent(() => {});
    const key = Buffer.alloc(16, 1).toString('base64');
    const { socket, head, accept, protocol } = await connectAgent(agent.machine, new Secret(canary)).upgradeDesktop(
      { key, protocol: 'binary' },
      never,
    );
    expect(accept).toHaveLength(28);
    expect(protocol).toBe('binary');
    const echoed = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    if (head.length > 0) {
      expect(head.toString()).toBe('RFB');
      socket.write('ping');
      expect((await echoed).toString()).toBe('ping');
    } else {
      expect((await echoed).toString()).toBe('RFB');
    }
    expect(agent.requests[0]?.headers).not.toHaveProperty('cookie');
    socket.destroy();
  });

  it('reports an answer that is not an upgrade', async () => {
    const agent = await startAgent(() => {});
    const plain = { ...agent.machine };
    closers.push(() => agent.exit());
    const server = createServer();
    server.on('upgrade', (_request, socket: Socket) =>
      socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n'),
    );
    const socketPath = await listen(server);
    closers.push(() => server.close());
    plain.connect = async () => connect(socketPath);
    await expect(
      connectAgent(plain, new Secret(canary)).upgradeDesktop({ key: 'k', protocol: undefined }, never),
    ).rejects.toMatchObject({ code: 'AGENT_REFUSED', details: { status: 409 } });
  });
});
