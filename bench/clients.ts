import { Agent, request } from 'node:http';

import type { Bench, Finding } from './bench.ts';
import { quantile } from './statistics.ts';
import { residentMb } from './support/processes.ts';
import { openReaders } from './support/readers.ts';
import { startWorker } from './support/worker.ts';

const CLIENTS = 200;
const AT_ONCE = [1, 16, 64] as const;
const STREAMS = 1_000;
/** Streams that one user may have open. */
const STREAMS_PER_USER = 50;

/**
 * What 200 clients wait for who ask the same of the server at once, each for another user and over a separate connection.
 * The server, with embedded PostgreSQL and machines in memory only, has a process to itself; the clients share another.
 */
export const clients: Bench = {
  name: 'clients',
  run: async (_world, count, leftovers) => {
    const server = await startWorker('control-plane.ts');
    leftovers.defer(() => server.end());
    const url = String(server.ready);
    const users = Array.from({ length: CLIENTS }, (_, at) => createClient(url, `client-${at}`));
    for (const user of users) {
      await user.connect();
      // Starts its machine.
      await user.prompt('words');
    }
    const findings = [...(await waits(users, count)), ...(await throughput(users, count))];
    const busy = await residentMb(server.pid);
    await openSilentStreams(url, users);
    const streaming = await residentMb(server.pid);
    return [
      ...findings,
      { title: `memory of the server after ${CLIENTS} clients`, kind: 'value', unit: 'MB', samples: [busy] },
      {
        title: `what ${STREAMS.toLocaleString('en')} idle streams add`,
        kind: 'value',
        unit: 'MB',
        samples: [streaming - busy],
      },
    ];
  },
};

/** What each client waits for, when all of them ask at once. */
async function waits(users: readonly Client[], count: number): Promise<readonly Finding[]> {
  const steps: Readonly<Record<string, (user: Client) => Promise<void>>> = {
    'start of a login': (user) => user.startLogin(),
    'its status': (user) => user.status(),
    'its end': (user) => user.cancelLogin(),
    'a warm prompt of 20 texts': (user) => user.prompt('words'),
  };
  const waited = new Map(Object.keys(steps).map((title) => [title, [] as number[][]]));
  // The first round compiles the code.
  for (let round = -1; round < count; round += 1) {
    for (const [title, step] of Object.entries(steps)) {
      const times = await Promise.all(users.map((user) => timed(() => step(user))));
      if (round >= 0) waited.get(title)?.push(times.toSorted((one, other) => one - other));
    }
  }
  return [...waited].flatMap(([title, rounds]) =>
    [0.5, 0.99].map((fraction): Finding => ({
      title: `${title}, p${fraction * 100} of ${CLIENTS} clients`,
      kind: 'value',
      unit: 'ms',
      samples: rounds.map((times) => quantile(times, fraction)),
    })),
  );
}

/** How many prompts the server gets through. */
async function throughput(users: readonly Client[], count: number): Promise<readonly Finding[]> {
  const found = AT_ONCE.map((atOnce) => ({ atOnce, samples: [] as number[] }));
  for (let round = 0; round < count; round += 1) {
    for (const { atOnce, samples } of found) {
      const ms = await timed(() => Promise.all(users.slice(0, atOnce).map((user) => user.prompt('words'))));
      samples.push(ms / atOnce);
    }
  }
  return found.map(({ atOnce, samples }) => ({
    title: `a warm prompt of 20 texts, ${atOnce} at once, for each`,
    kind: 'value',
    unit: 'ms',
    samples,
    // 250 prompts a second.
    ...(atOnce === 64 && { limit: 4 }),
  }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

interface Client {
  /** Stores a login, which the prompts use. */
  connect(): Promise<void>;
  /** Starts another one. */
  startLogin(): Promise<void>;
  status(): Promise<void>;
  cancelLogin(): Promise<void>;
  /** Resolves when the prompt has ended. */
  prompt(text: string): Promise<void>;
  /** Sends a prompt, and resolves with its path while it runs. */
  begin(text: string): Promise<string>;
}

function createClient(url: string, userId: string): Client {
  const agent = new Agent({ keepAlive: true });
  let login = '';

  async function ask(method: string, path: string, body?: unknown): Promise<string> {
    const { status, text: whole } = await send(agent, method, url + path, body);
    const text = await whole;
    if (status >= 300 || text.includes('"outcome":"failed"')) throw new Error(`${path} answered ${status}: ${text}`);
    return text;
  }

  const prompt = (text: string) => ({ userId, provider: 'fake', prompt: text });
  return {
    connect: async () => {
      const auth = JSON.stringify({ token: 'bench', account: userId, issuedAt: 1 });
      await ask('POST', '/api/credentials/fake', { userId, files: { auth } });
    },
    startLogin: async () => {
      login = JSON.parse(await ask('POST', '/api/auth/start', { userId, provider: 'fake' })).sessionId;
    },
    status: async () => void (await ask('GET', `/api/auth/session/${login}/status`)),
    cancelLogin: async () => void (await ask('POST', `/api/auth/session/${login}/cancel`)),
    prompt: async (text) => void (await ask('POST', '/api/vm/cli/prompt', prompt(text))),
    begin: async (text) => {
      const { headers } = await send(agent, 'POST', `${url}/api/vm/cli/prompt`, prompt(text));
      return String(headers.location);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: { readonly location?: string | undefined };
  /** All of it. */
  readonly text: Promise<string>;
}

/** Resolves when the answer begins. */
function send(agent: Agent, method: string, url: string, body: unknown): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = request(url, { agent, method, headers }, (response) => {
    const text = Promise.withResolvers<string>();
    let all = '';
    response.setEncoding('utf8');
    response.on('data', (chunk) => (all += chunk));
    response.once('end', () => text.resolve(all)).once('error', text.reject);
    text.promise.catch(() => {});
    resolve({ status: response.statusCode ?? 0, headers: response.headers, text: text.promise });
  });
  sent.once('error', reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

/** Streams of prompts whose CLI says nothing. They end with the server. */
async function openSilentStreams(url: string, users: readonly Client[]): Promise<void> {
  for (const user of users.slice(0, STREAMS / STREAMS_PER_USER)) {
    const path = await user.begin('silence');
    const { ended } = await openReaders(`${url}${path}/events`, STREAMS_PER_USER, () => undefined);
    ended.catch(() => {});
  }
}
