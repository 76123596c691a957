import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { agentEventSchema } from '@sallyport/core/protocol';
import type { AgentEvent, BootConfig, ExecuteRequest, StartAheadRequest, StartLoginRequest } from '@sallyport/core/protocol';
import type { CredentialItem } from '@sallyport/core/provider';

import { HANG_LIMIT_MS } from '../../../../test/setup/until.ts';
import { startAgent } from '../agent.ts';
import type { PatientClock } from './patient-clock.ts';

/** A real agent on a Unix socket, whose only CLI is a shell script. */
export interface TestAgent extends AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly boot: BootConfig;
  post(path: string, body: unknown, headers?: OutgoingHttpHeaders): Promise<Answer>;
  get(path: string, headers?: OutgoingHttpHeaders): Promise<Answer>;
  /** An answer that goes on: its body is not read. */
  open(method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders, signal?: AbortSignal): Promise<IncomingMessage>;
  /** Waits for an event. Those that came before count. */
  event<Type extends AgentEvent['type']>(type: Type): Promise<Extract<AgentEvent, { type: Type }>>;
  readonly events: readonly AgentEvent[];
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export const provider = 'fake';
export const token = 'token-of-this-boot-0123456789-0123456789';

/** The credential every fake CLI writes. */
export const items: readonly CredentialItem[] = [
  {
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'json',
    mode: 0o600,
    rotates: true,
    require: ['/tokens/refresh'],
    write: 'replace',
    paths: { browser: '~/.fake/auth.json', cli: '~/.fake/auth.json' },
  },
];

export const credential = JSON.stringify({ tokens: { refresh: 'refresh-token-canary-1' } });

export async function startTestAgent(
  script: string,
  boot: Partial<BootConfig> = {},
  clock?: PatientClock,
): Promise<TestAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-agent-'));
  const home = boot.home ?? join(folder, 'home');
  const socket = join(folder, 'agent.sock');
  await mkdir(join(folder, 'cli', 'node_modules'), { recursive: true });
  await mkdir(home, { recursive: true });
  const program = join(folder, 'cli', 'node_modules', 'fake');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o700);
  const config: BootConfig = {
    machineId: 'm-test',
    epoch: 1,
    role: 'browser',
    token,
    listen: { socket },
    home,
    runtime: join(folder, 'run'),
    clis: { [provider]: join(folder, 'cli') },
    ...boot,
  };
  const agent = await startAgent(config, clock);

  const open: TestAgent['open'] = (method, path, body, headers = {}, signal) =>
    new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath: socket,
        method,
        path,
        agent: false,
        ...(signal && { signal }),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      outgoing.once('response', resolve).once('error', reject);
      outgoing.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
    });
  const whole = async (response: IncomingMessage): Promise<Answer> => ({
    status: response.statusCode ?? 0,
    body: parseObject(await readAll(response)),
  });

  const events: AgentEvent[] = [];
  const stream = await open('GET', '/events');
  void (async () => {
    for await (const { data } of readEvents(stream)) events.push(agentEventSchema.parse(data));
  })().catch(() => {});

  const find: TestAgent['event'] = async (type) => {
    const end = performance.now() + HANG_LIMIT_MS;
    for (;;) {
      for (const event of events) if (isOfType(event, type)) return event;
      if (performance.now() > end) throw new Error(`No event ${type}; there were: ${JSON.stringify(events)}`);
      await systemClock.sleep(5);
    }
  };
  return {
    folder,
    home,
    boot: config,
    open,
    events,
    get: async (path, headers) => whole(await open('GET', path, undefined, headers)),
    post: async (path, body, headers) => whole(await open('POST', path, body, headers)),
    event: find,
    [Symbol.asyncDispose]: async () => {
      stream.destroy();
      // What does not end by itself is killed when its time is over.
      await (clock ? clock.passUntil(agent.close()) : agent.close());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Changes that make a login without a link: it only asks, or needs nothing. */
export const withoutLink = { kind: 'api-key', url: undefined, callback: undefined } as const;

/** A login request for the fake CLI. */
export function loginRequest(method: Partial<StartLoginRequest['method']> = {}): StartLoginRequest {
  return {
    sessionId: randomUUID(),
    cli: launch,
    credentials: [...items],
    method: {
      id: 'browser',
      title: 'Sign in',
      kind: 'loopback-callback',
      drive: { kind: 'terminal', argv: ['login'], columns: 200, rows: 50, steps: [] },
      url: {
        sources: ['browser-shim', 'text'],
        hosts: ['id.example.com'],
        pathPrefixes: ['/authorize'],
        require: ['state'],
        textAfter: { text: 'waiting' },
      },
      callback: { ports: [], path: '/cb' },
      freshHome: false,
      success: [{ text: 'Logged in.' }],
      failure: [{ when: { text: 'access denied' }, code: 'LOGIN_DENIED', message: 'The sign-in was refused.' }],
      timeoutMs: 60_000,
      ...method,
    },
  };
}

export function executeRequest(change: Partial<ExecuteRequest> = {}): ExecuteRequest {
  return {
    runId: randomUUID(),
    provider,
    cli: launch,
    argv: ['exec'],
    prompt: 'hello',
    workingDirectory: '~/work',
    timeoutMs: 600_000,
    maxOutputBytes: 10_000_000,
    ...change,
  };
}

/** How the CLI of such a prompt is started ahead. */
export function aheadOf(request: ExecuteRequest): StartAheadRequest {
  const { runId: _runId, prompt: _prompt, timeoutMs: _timeoutMs, maxOutputBytes: _maxOutputBytes, ...ahead } = request;
  return ahead;
}

const launch = {
  bin: { [`${process.platform}-${process.arch}`]: 'node_modules/fake' },
  env: { FAKE_SETTING: 'from the manifest' },
  settings: [{ path: '~/.fake/config', content: 'updates = off\n' }],
};

export const signInUrl = (port: number): string =>
  `https://id.example.com/authorize?state=s1&redirect_uri=${encodeURIComponent(`http://127.0.0.1:${port}/cb`)}`;

export async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export async function* readEvents(
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly id: number; readonly data: unknown }> {
  let text = '';
  for await (const chunk of stream) {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
      const id = Number(lines.find((line) => line.startsWith('id: '))?.slice(4));
      if (data !== undefined) yield { id, data: JSON.parse(data) as unknown };
    }
  }
}

/** Whether a process still runs; a zombie does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) [ZX]/.test(stat);
}

/** A listener on a loopback port, as a CLI has one for its callback. */
export async function listenLocally(
  handle: RequestListener,
  address: '127.0.0.1' | '::1' = '127.0.0.1',
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('The listener has no port.');
  return { port: bound.port, close: () => void server.close() };
}

function isOfType<Type extends AgentEvent['type']>(
  event: AgentEvent,
  type: Type,
): event is Extract<AgentEvent, { type: Type }> {
  return event.type === type;
}

function parseObject(text: string): Answer['body'] {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`The agent answered ${text}`);
  return Object.fromEntries(Object.entries(value));
}
