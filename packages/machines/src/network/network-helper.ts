import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { execa } from 'execa';

import { programPath } from '../host/programs.ts';
import { formatLine, readLine } from './helper/protocol.ts';
import type { HelperAnswer, HelperRequest } from './helper/protocol.ts';

/** The server's side of the helper. It is started again when it dies; what was open then is closed. */
export interface NetworkHelper {
  open(address: string, egressSocket: string): Promise<void>;
  close(address: string): Promise<void>;
  connect(address: string, port: number, options: { readonly signal: AbortSignal }): Promise<Socket>;
  stop(): Promise<void>;
}

export interface HelperOptions {
  /** Words that put a command into the namespace. */
  readonly enter: readonly string[];
  readonly controlSocket: string;
  readonly gateway: string;
  readonly egressPort: number;
  readonly clock: Clock;
  /** Ends a helper that an earlier server left. Called before each start. */
  readonly endOthers: () => Promise<void>;
}

/** This file is TypeScript in `src/network/`, or part of `dist/index.js` beside the built helper. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './helper/main.ts' : './network-helper.js', import.meta.url),
);

const RESTART_AFTER_MS = 100;
const START_WITHIN_MS = 20_000;

export async function startHelper(options: HelperOptions): Promise<NetworkHelper> {
  const { clock } = options;
  const ways = new Map<string, string>();
  const stopping = new AbortController();
  let running: Promise<Running> | undefined;

  /** The helper that runs, or a new one which knows all machines. */
  function ensure(): Promise<Running> {
    stopping.signal.throwIfAborted();
    if (running) return running;
    const started = start();
    running = started;
    // Where it does not start, the next who needs it tries again and is told why.
    void started
      .then(
        (helper) => helper.ended,
        () => {},
      )
      .then(() => void replace(started));
    return started;
  }

  async function start(): Promise<Running> {
    const helper = await launch(options);
    for (const [address, egressSocket] of ways) {
      await ask(options.controlSocket, { kind: 'open', address, egressSocket });
    }
    return helper;
  }

  async function replace(over: Promise<Running>): Promise<void> {
    if (running === over) running = undefined;
    const hadStarted = await over.then(
      () => true,
      () => false,
    );
    if (!hadStarted || stopping.signal.aborted) return;
    await clock
      .sleep(RESTART_AFTER_MS, stopping.signal)
      .then(ensure)
      .catch(() => {});
  }

  await mkdir(dirname(options.controlSocket), { recursive: true, mode: 0o700 });
  await ensure();
  return {
    open: async (address, egressSocket) => {
      ways.set(address, egressSocket);
      await ensure();
      await ask(options.controlSocket, { kind: 'open', address, egressSocket });
    },
    close: async (address) => {
      if (!ways.delete(address)) return;
      await ensure();
      await ask(options.controlSocket, { kind: 'close', address });
    },
    connect: async (address, port, { signal }) => {
      signal.throwIfAborted();
      await ensure();
      return ask(options.controlSocket, { kind: 'connect', address, port }, signal);
    },
    stop: async () => {
      stopping.abort();
      const helper = await running?.catch(() => undefined);
      helper?.end();
      await helper?.ended;
    },
  };
}

interface Running {
  readonly ended: Promise<unknown>;
  end(): void;
}

async function launch(options: HelperOptions): Promise<Running> {
  const { controlSocket, gateway, egressPort, clock } = options;
  await options.endOthers();
  // Root without root's powers: it needs none once it is inside, but the path to its program may be another user's.
  const humble =
    process.geteuid?.() === 0
      ? ['setpriv', '--no-new-privs', '--bounding-set=-all,+dac_read_search', '--inh-caps=-all', '--']
      : [];
  const node = [process.execPath, program, controlSocket, gateway, String(egressPort)];
  const [file = '', ...words] = [...options.enter, ...humble, ...node];
  const child = execa(file, words, {
    env: { PATH: programPath },
    extendEnv: false,
    cwd: '/',
    reject: false,
    // An interrupt at the terminal is the server's alone; the helper ends when its standard input does.
    detached: true,
    stdin: 'pipe',
    buffer: { stdout: false },
    maxBuffer: 64 * 1024,
  });
  const ended = child.then((result) => result);
  child.stdin.on('error', () => {});
  using deadline = clock.deadline(START_WITHIN_MS, () => new Error(`not ready after ${START_WITHIN_MS / 1000} s`));
  const late = (): void => void child.kill('SIGKILL');
  deadline.signal.addEventListener('abort', late, { once: true });
  const ready = new Promise<true>((resolve) => child.stdout.once('data', () => resolve(true)));
  const result = await Promise.race([ready, ended]);
  deadline.signal.removeEventListener('abort', late);
  if (result !== true) {
    // Of an error that ends Node, this line says which it was; what follows are places in the code.
    const lines = result.stderr.trim().split('\n');
    const said = lines.find((line) => line.startsWith('Error: ')) ?? lines.slice(-5).join('\n');
    throw new SallyportError('MACHINE_FAILED', `The helper of the machines' network did not start: ${said}`, {
      hint: 'Run `sallyport doctor`; it names what is missing on this host.',
    });
  }
  child.stdout.resume();
  return { ended, end: () => child.stdin.end() };
}

async function ask(controlSocket: string, request: HelperRequest, signal?: AbortSignal): Promise<Socket> {
  const socket = connect({ path: controlSocket, allowHalfOpen: true });
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    socket.write(formatLine(request));
    const answer: HelperAnswer = JSON.parse(await readLine(socket));
    if (!answer.ok) throw new Error(answer.problem);
    if (request.kind !== 'connect') socket.destroy();
    return socket;
  } catch (cause) {
    socket.on('error', () => {}).destroy();
    signal?.throwIfAborted();
    const what =
      request.kind === 'connect' ? `Port ${request.port} of ${request.address}` : `The way of ${request.address}`;
    throw new SallyportError('AGENT_UNREACHABLE', `${what} was not reached through the machines' network.`, { cause });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
