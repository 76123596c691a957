import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { promptEventSchema } from '@sallyport/core/protocol';
import type { PromptEvent } from '@sallyport/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { holdFile } from '../configs/hold-plugin.ts';
import type { HoldablePhase } from '../configs/hold-plugin.ts';
import { createApi, readEvents } from '../support/api.ts';
import { makeBareDataDirectory } from '../support/cli-folder.ts';
import {
  answerSignInPage,
  followRedirect,
  loginStatus,
  signIn,
  startLogin,
  untilEnded,
  untilPhase,
} from '../support/person.ts';
import type { Person, Way } from '../support/person.ts';
import { agentOf, machineDirectories, processesOf, untilNoProcessOf } from '../support/processes.ts';
import { createBrokenRegistry } from '../support/registry.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** Whatever ends in the middle, by a user's wish or by SIGKILL: the state afterwards is a defined one, and usable. */

const HELD: readonly HoldablePhase[] = ['starting-machine', 'starting-login', 'storing', 'cleaning-up'];
const config = 'e2e/configs/hold.config.ts';

/** A phase that a login can be interrupted in, and the method that has it. */
interface HeldPhase {
  readonly name: string;
  readonly phase: string;
  readonly method: Way;
}

const INTERRUPTED: readonly HeldPhase[] = [
  ...['waiting-for-port', 'starting-machine', 'starting-login', 'awaiting-user', 'callback-received', 'storing'].map(
    (phase): HeldPhase => ({ name: phase, phase, method: 'browser:local' }),
  ),
  { name: 'opening-page', phase: 'opening-page', method: 'browser:desktop' },
  { name: 'awaiting-user-on-a-desktop', phase: 'awaiting-user', method: 'browser:desktop' },
];

/** Starts the login of another user that has the callback port, and returns its id. */
async function takeCallbackPort(person: Person): Promise<string> {
  const other: Person = { ...person, userId: 'has-the-port' };
  const sessionId = await startLogin(other, 'browser:local');
  await untilPhase(other, sessionId, 'awaiting-user');
  return sessionId;
}

/** Brings a login into a phase and keeps it there until `letGo`. */
async function loginHeldIn(person: Person, phase: string, method: Way = 'browser:local'): Promise<string> {
  const { server } = person;
  // The page does not begin as long as the vendor is this slow. The CLI makes its URL without asking the vendor.
  if (phase === 'opening-page') await server.internet.setFaults({ network: { delayMs: 60_000 } });
  const held = HELD.find((each) => each === phase);
  if (held) await writeFile(holdFile(server.dataDirectory, held), '');
  const sessionId = await startLogin(person, method);
  if (['callback-received', 'storing', 'cleaning-up'].includes(phase)) {
    const waiting = await untilPhase(person, sessionId, 'awaiting-user');
    const { redirect = '' } = await answerSignInPage(person, waiting, 'approve');
    if (phase === 'callback-received') await server.internet.setFaults({ network: { delayMs: 60_000 } });
    // Answered only when the CLI is done with it, which the interruption may prevent.
    followRedirect(redirect).catch(() => undefined);
  }
  await untilPhase(person, sessionId, phase);
  return sessionId;
}

async function letGo(server: DemoServer): Promise<void> {
  for (const phase of HELD) await rm(holdFile(server.dataDirectory, phase), { force: true });
  await server.internet.setFaults({ network: { delayMs: 0 } });
}

const prompt = (text: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ provider: 'codex', prompt: text }),
});

/** The CLI has begun and the model is answering; Codex prints its answer in one piece, at the end. */
const isUnderWay = (data: string): boolean => data.includes('"type":"conversation"');

describe('a login that is cancelled', () => {
  let server: DemoServer;
  let person: Person;

  beforeAll(async () => {
    server = await startDemoServer({ config });
    person = { api: createApi(server.origin), server };
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await untilNoProcessOf(server.dataDirectory);
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  afterEach(() => letGo(server));

  const machineProcesses = async (): Promise<readonly string[]> =>
    (await processesOf(server.dataDirectory)).flatMap((each) => (each.machineId === undefined ? [] : [each.command]));

  it.each(INTERRUPTED)(
    'while $name leaves no process and no directory behind, and the next one can start at once',
    async ({ name, phase, method }) => {
      const user: Person = { ...person, userId: name };
      const other = phase === 'waiting-for-port' ? await takeCallbackPort(person) : undefined;
      const sessionId = await loginHeldIn(user, phase, method);
      await poll('the machine to run', async () => ((await machineProcesses()).length > 0 ? true : undefined));
      expect((await person.api.post(`/api/auth/session/${sessionId}/cancel`)).status).toBe(204);
      expect(await loginStatus(user, sessionId)).toMatchObject({
        status: 'cancelled',
        errorCode: 'LOGIN_CANCELLED',
        authUrl: null,
      });
      if (other !== undefined) {
        expect((await person.api.post(`/api/auth/session/${other}/cancel`)).status).toBe(204);
      }
      expect(await machineDirectories(server.dataDirectory)).toEqual([]);
      expect(await machineProcesses()).toEqual([]);
      await letGo(server);
      expect((await person.api.get(`/api/credentials?userId=${name}`)).body).toEqual([]);
      await signIn(user);
    },
  );

  it('when it is stored already says that it came too late, and stays connected', async () => {
    const sessionId = await loginHeldIn(person, 'cleaning-up');
    const cancelling = person.api.post(`/api/auth/session/${sessionId}/cancel`);
    await letGo(server);
    expect(await cancelling).toMatchObject({ status: 409, body: { code: 'LOGIN_SESSION_OVER' } });
    expect(await loginStatus(person, sessionId)).toMatchObject({ status: 'completed' });
    expect((await person.api.get('/api/credentials')).body).toHaveLength(1);
  });

  it('while the CLI is being installed leaves no npm and no half of a CLI behind', async () => {
    const dataDirectory = await makeBareDataDirectory();
    const registry = await createBrokenRegistry('hangs');
    const bare = await startDemoServer({ dataDirectory, environment: registry.environment });
    try {
      const impatient: Person = { api: createApi(bare.origin), server: bare };
      const sessionId = await startLogin(impatient, 'device-code');
      await untilPhase(impatient, sessionId, 'installing-cli');
      const npm = async (): Promise<boolean> =>
        (await processesOf(dataDirectory)).some(({ command }) => /npm/.test(command));
      await poll('npm to run', async () => ((await npm()) ? true : undefined));
      expect((await impatient.api.post(`/api/auth/session/${sessionId}/cancel`)).status).toBe(204);
      expect(await loginStatus(impatient, sessionId)).toMatchObject({ status: 'cancelled' });
      await poll('npm to be gone', async () => ((await npm()) ? undefined : true));
      await poll('the directory to be gone', async () =>
        (await readdir(join(dataDirectory, 'clis'))).some((name) => name.startsWith('codex')) ? undefined : true,
      );
    } finally {
      await bare.stop();
      await registry.close();
      await untilNoProcessOf(dataDirectory);
      await removeDataDirectory(dataDirectory);
    }
  });
});

describe('a server that runs', () => {
  let server: DemoServer;
  let person: Person;

  beforeAll(async () => {
    server = await startDemoServer();
    person = { api: createApi(server.origin), server };
    await signIn(person);
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it('goes on with a prompt whose reader has left, who later gets every event exactly once', async () => {
    const gone = new AbortController();
    const first = await fetch(`${server.origin}/api/vm/cli/prompt`, { ...prompt('[[slow 30]]'), signal: gone.signal });
    const location = first.headers.get('location') ?? '';
    const read: { id: number; data: string }[] = [];
    const take = (event: { id: string; data: string }): void =>
      void read.push({ id: Number(event.id), data: event.data });
    await (async () => {
      for await (const event of readEvents(first)) {
        take(event);
        if (isUnderWay(event.data)) gone.abort();
      }
    })().catch(() => undefined);
    expect(gone.signal.aborted).toBe(true);
    expect(read.at(-1)?.data).not.toContain('prompt-end');

    const since = read.at(-1)?.id ?? 0;
    const headers = { 'last-event-id': String(since) };
    for await (const event of readEvents(await fetch(`${server.origin}${location}/events`, { headers }))) take(event);
    const whole: { id: number; data: string }[] = [];
    for await (const event of readEvents(await fetch(`${server.origin}${location}/events`))) {
      whole.push({ id: Number(event.id), data: event.data });
    }
    expect(read).toEqual(whole);
    expect(new Set(whole.map(({ id }) => id)).size).toBe(whole.length);
    const events = whole.map(({ data }) => JSON.parse(data));
    expect(events.at(-1)).toMatchObject({ type: 'prompt-end', outcome: 'completed' });
    const words = Array.from({ length: 30 }, (_, index) => `word${index + 1}`).join(' ');
    expect(events.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('')).toContain(words);
  });

  it('answers 503 while its database is away, and goes on with everything in place when it is back', async () => {
    const before = (await person.api.get('/api/credentials')).body;
    const found = (await processesOf(server.dataDirectory)).filter(({ command }) => /\/bin\/postgres -D/.test(command));
    expect(found.length).toBeGreaterThan(0);
    for (const { pid } of found) process.kill(pid, 'SIGKILL');
    const away = await poll('the database to be missed', async () => {
      const answer = await person.api.get('/api/credentials');
      return answer.status === 200 ? undefined : answer;
    });
    expect(away).toMatchObject({
      status: 503,
      body: { code: 'STORE_UNAVAILABLE', retryable: true, hint: expect.stringContaining('again') },
    });
    await poll('the database to be back', async () =>
      (await person.api.get('/ready')).status === 200 ? true : undefined,
    );
    expect((await person.api.get('/api/credentials')).body).toEqual(before);
    const run = await person.api.prompt({ provider: 'codex', prompt: 'Are you back?' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    await signIn({ ...person, userId: 'after-the-database' });
  });

  it('says so when the agent of a login machine is killed, and cleans up', async () => {
    const other: Person = { ...person, userId: 'agent-killed' };
    const sessionId = await startLogin(other, 'browser:local');
    await untilPhase(other, sessionId, 'awaiting-user');
    const { body } = await other.api.get('/api/vms?userId=agent-killed');
    const machine = body.find((each: { type: string }) => each.type === 'browser').vmId;
    process.kill(await agentOf(server.dataDirectory, machine), 'SIGKILL');
    expect(await untilEnded(other, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: expect.stringMatching(/^(MACHINE_FAILED|AGENT_UNREACHABLE)$/),
      errorMessage: expect.stringMatching(/login machine|agent/),
      errorHint: expect.stringContaining('Start again'),
    });
    expect(await machineDirectories(server.dataDirectory)).not.toContain(machine);
    await signIn(other);
  });

  it('says so when the agent of a CLI machine is killed under a prompt, and the next prompt works', async () => {
    const { body } = await person.api.get('/api/vms');
    const machine = body.find((each: { type: string; status: string }) => each.type === 'cli').vmId;
    await person.api.prompt({ provider: 'codex', prompt: 'Wake up.' });
    const agent = await agentOf(server.dataDirectory, machine);
    const events: PromptEvent[] = [];
    for await (const { data } of readEvents(
      await fetch(`${server.origin}/api/vm/cli/prompt`, prompt('[[slow 100]]')),
    )) {
      events.push(promptEventSchema.parse(JSON.parse(data)));
      if (isUnderWay(data)) process.kill(agent, 'SIGKILL');
    }
    expect(events.at(-1)).toMatchObject({
      type: 'prompt-end',
      outcome: 'failed',
      code: expect.stringMatching(/^(MACHINE|AGENT)_/),
      message: expect.stringMatching(/machine|agent/),
      hint: expect.stringMatching(/again/),
    });
    const next = await person.api.prompt({ provider: 'codex', prompt: 'And now?' });
    expect(next.end).toMatchObject({ outcome: 'completed' });
    expect((await server.openai()).families.every((family) => family.revokedBecause === null)).toBe(true);
  });
});

describe('a server that is killed', () => {
  let server: DemoServer;
  let person: Person;

  beforeAll(async () => {
    server = await startDemoServer({ config });
    person = { api: createApi(server.origin), server };
    await signIn(person);
    await person.api.prompt({ provider: 'codex', prompt: 'Hello before everything.' });
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  /** SIGKILL, a look at what is left without a server, and the next server on the same data. */
  async function killAndRestart(): Promise<void> {
    const { dataDirectory } = server;
    expect(await server.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    for (const phase of HELD) await rm(holdFile(dataDirectory, phase), { force: true });
    server = await startDemoServer({ dataDirectory, config });
    person = { api: createApi(server.origin), server };
    const machines = (await processesOf(dataDirectory)).filter((each) => each.machineId !== undefined);
    expect(machines).toEqual([]);
  }

  async function everythingIsInPlace(): Promise<void> {
    const { body } = await person.api.get('/api/credentials');
    expect(body).toMatchObject([{ provider: 'codex', valid: true }]);
    expect((await server.openai()).families.filter((family) => family.revokedBecause !== null)).toEqual([]);
    const run = await person.api.prompt({ provider: 'codex', prompt: 'Still connected?' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
  }

  it.each(INTERRUPTED)(
    'while a login is $name ends it with a reason at the next start, and leaves nothing of it behind',
    async ({ name, phase, method }) => {
      const late: Person = { ...person, userId: `killed-${name}` };
      if (phase === 'waiting-for-port') await takeCallbackPort(person);
      const sessionId = await loginHeldIn(late, phase, method);
      await killAndRestart();
      const again: Person = { ...person, userId: late.userId ?? '' };
      const left = await loginStatus(again, sessionId);
      expect(left).toMatchObject({
        status: 'failed',
        errorCode: 'LOGIN_INTERRUPTED',
        errorMessage: expect.stringContaining(`"${phase}"`),
        errorHint: expect.stringContaining('Start again'),
      });
      const machines = (await again.api.get(`/api/vms?userId=${late.userId}`)).body;
      expect(machines.filter((each: { type: string }) => each.type === 'browser')).toEqual([]);
      const { body: own } = await person.api.get('/api/vms');
      expect(await machineDirectories(server.dataDirectory)).toEqual(own.map((each: { vmId: string }) => each.vmId));
      await signIn(again);
      await everythingIsInPlace();
    },
  );

  it('when a login is stored and only the machine is left to be removed completes it at the next start', async () => {
    const stored: Person = { ...person, userId: 'killed-cleaning-up' };
    const sessionId = await loginHeldIn(stored, 'cleaning-up');
    await killAndRestart();
    const again: Person = { ...person, userId: 'killed-cleaning-up' };
    expect(await loginStatus(again, sessionId)).toMatchObject({ status: 'completed', errorCode: null });
    const run = await again.api.prompt({ provider: 'codex', prompt: 'Hello.', userId: 'killed-cleaning-up' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    await everythingIsInPlace();
  });

  it('during a prompt ends the prompt with a reason, and the next one goes on', async () => {
    const response = await fetch(`${server.origin}/api/vm/cli/prompt`, prompt('[[slow 100]]'));
    const location = response.headers.get('location') ?? '';
    await (async () => {
      for await (const { data } of readEvents(response)) if (isUnderWay(data)) break;
    })();
    await killAndRestart();
    const events: { type: string; outcome?: string; message?: string }[] = [];
    for await (const { data } of readEvents(await fetch(`${server.origin}${location}/events`))) {
      events.push(JSON.parse(data));
    }
    expect(events.map((event) => event.type)).toContain('conversation');
    expect(events.at(-1)).toMatchObject({
      type: 'prompt-end',
      outcome: 'failed',
      message: expect.stringContaining('restarted'),
    });
    await everythingIsInPlace();
  });

  it('after the CLI has rotated its login and before that was stored finds the new one on the disk', async () => {
    const [before] = (await person.api.get('/api/credentials')).body;
    const { body: machines } = await person.api.get('/api/vms');
    const machine = machines.find((each: { type: string }) => each.type === 'cli').vmId;
    const auth = join(server.dataDirectory, 'machines', machine, 'homes', 'codex', '.codex', 'auth.json');
    const contents = async (): Promise<string> => readFile(auth, 'utf8');
    const known = await contents();
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    person.api.prompt({ provider: 'codex', prompt: '[[slow 20]]' }).catch(() => undefined);
    for (;;) {
      const now = await contents().catch(() => known);
      if (now !== known && now.trim().endsWith('}')) break;
      await new Promise((done) => setTimeout(done, 1));
    }
    const rotated = await contents();
    await killAndRestart();
    // The machine's disk was the only place that had it; the new server has read it there before it served anybody.
    expect((await person.api.get('/api/credentials')).body).toMatchObject([{ version: before.version + 1 }]);
    expect(await contents()).toBe(rotated);
    const family = (await server.openai()).families.find((each) => each.refreshes > 0);
    expect(family).toMatchObject({ refreshes: 1, revokedBecause: null });

    await everythingIsInPlace();
    const [after] = (await person.api.get('/api/credentials')).body;
    expect(after.version).toBe(before.version + 1);
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    await everythingIsInPlace();
    expect((await server.openai()).families.find((each) => each.id === family?.id)).toMatchObject({ refreshes: 2 });
  });

  it('while a CLI is being installed leaves no npm and no half of a CLI behind once it runs again', async () => {
    const dataDirectory = await makeBareDataDirectory();
    const registry = await createBrokenRegistry('hangs');
    let bare = await startDemoServer({ dataDirectory, environment: registry.environment });
    try {
      const first: Person = { api: createApi(bare.origin), server: bare };
      const sessionId = await startLogin(first, 'device-code');
      await untilPhase(first, sessionId, 'installing-cli');
      const npm = async (): Promise<readonly string[]> =>
        (await processesOf(dataDirectory)).map(({ command }) => command).filter((command) => command.includes('npm'));
      await poll('npm to run', async () => ((await npm()).length > 0 ? true : undefined));
      await bare.stop('SIGKILL');
      bare = await startDemoServer({ dataDirectory, environment: registry.environment });
      const second: Person = { api: createApi(bare.origin), server: bare };
      expect(await loginStatus(second, sessionId)).toMatchObject({
        status: 'failed',
        errorCode: 'LOGIN_INTERRUPTED',
        errorMessage: expect.stringContaining('"installing-cli"'),
      });
      expect(await npm()).toEqual([]);
      expect((await readdir(join(dataDirectory, 'clis'))).filter((name) => name.startsWith('codex'))).toEqual([]);
    } finally {
      await bare.stop();
      await registry.close();
      await untilNoProcessOf(dataDirectory);
      await removeDataDirectory(dataDirectory);
    }
  });

  it('twice in a row changes nothing the second time', async () => {
    const look = async (): Promise<unknown> => ({
      credentials: (await person.api.get('/api/credentials')).body,
      machines: (await person.api.get('/api/vms')).body,
      folders: await machineDirectories(server.dataDirectory),
    });
    await killAndRestart();
    const once = await look();
    await killAndRestart();
    expect(await look()).toEqual(once);
    await everythingIsInPlace();
  });
});
