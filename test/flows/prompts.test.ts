import { SallyportError } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { JournalEntry } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import {
  agentOf,
  canary,
  connect,
  createWorld,
  credential,
  ended,
  injections,
  noncePath,
  promptEvents,
  settle,
  startLogin,
  storeAway,
  until,
  userId,
} from './world.ts';
import type { World } from './world.ts';

const path = '~/.fake/auth.json';
const held = (issuedAt: number) => ({ path, content: credential(issuedAt).auth, mode: 0o600 });

const ask = (world: World, provider = 'fake') => world.app.prompts.start({ userId, provider, prompt: 'hello' });

async function run(world: World, provider?: string): Promise<PromptEvent | undefined> {
  const { promptId } = await ask(world, provider);
  return (await promptEvents(world, promptId)).at(-1);
}

/** Prompts that last until they are aborted or told to end. */
function longPrompts(world: World): () => void {
  const over = Promise.withResolvers<void>();
  world.fake.script.execute = async function* (_request, _agent, signal): AsyncGenerator<ExecuteEvent> {
    yield { type: 'stdout', line: '{"type":"text","text":"working"}' };
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await Promise.race([over.promise, aborted]);
    yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
  };
  return () => over.resolve();
}

const isWorking = (world: World, promptId: string) => async () =>
  (await world.store.prompts.events(promptId, 0, 100)).some(({ event }) => event.type === 'text');

/** Nobody used the machines for long enough, and their disks have been read. */
async function atRest(world: World): Promise<void> {
  await world.app.start();
  await world.clock.advance(6 * 60_000);
  await until(async () => (await world.store.machines.list()).every(({ state }) => state === 'stopped'));
}

const versionOf = async (world: World) => (await world.store.credentials.current(userId, 'fake'))?.version;
const ends = (entries: readonly JournalEntry<PromptEvent>[]) =>
  entries.filter(({ event }) => event.type === 'prompt-end').length;

describe('bringing a machine up', () => {
  it('boots one machine for eight prompts at once, with the credential on its disk before it starts', async () => {
    const world = createWorld();
    await connect(world);
    const results = await Promise.all(Array.from({ length: 8 }, () => run(world)));
    expect(results.every((end) => end?.type === 'prompt-end' && end.outcome === 'completed')).toBe(true);
    expect(world.fake.machines.length).toBe(1);
    const { log, boots, home } = world.fake.newest('cli');
    expect(boots.length).toBe(1);
    const injection = `inject ${path} ${noncePath}`;
    expect(log.indexOf(injection)).toBeGreaterThan(0);
    expect(log.indexOf(injection)).toBeLessThan(log.indexOf('start'));
    expect(home('fake').get(path)).toEqual(held(1));
    expect(await world.store.credentials.holder(userId, 'fake')).toEqual({
      machineId: world.fake.newest('cli').machine.id,
      diskNonce: home('fake').get(noncePath)?.content,
    });
    expect(world.reported).toEqual([]);
  });

  it('stops a machine that nobody uses, harvests it, and starts the same one again without injecting it again', async () => {
    const world = createWorld();
    await connect(world);
    await world.app.start();
    await run(world);
    const machine = world.fake.newest('cli');
    await world.clock.advance(4 * 60_000);
    expect(machine.running).toBe(true);
    await world.clock.advance(2 * 60_000);
    await until(() => !machine.running);
    await until(async () => (await world.store.machines.list())[0]?.state === 'stopped');
    expect(world.routes.open).toBe(0);
    await run(world);
    expect(world.fake.machines.length).toBe(1);
    expect(machine.boots.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(injections(machine)).toEqual([`${path} ${noncePath}`, noncePath]);
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('names each host that a machine is refused during a prompt, once, in the stream and in the audit log', async () => {
    const world = createWorld();
    await connect(world);
    const finish = longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    const { id } = world.fake.newest('cli').machine;
    for (let time = 0; time < 3; time++) world.refuse(id, 'registry.npmjs.org');
    finish();
    const notices = (await promptEvents(world, promptId)).filter(({ type }) => type === 'notice');
    const message = expect.stringMatching(/not let through to registry\.npmjs\.org, .* hosts\.work allows it/);
    expect(notices).toEqual([{ type: 'notice', message }]);
    const refused = {
      type: 'egress.refused',
      userId,
      machineId: id,
      host: 'registry.npmjs.org',
      reason: 'not-allowed',
    };
    expect(world.events).toContainEqual(expect.objectContaining(refused));
    for (let time = 0; time < 1_080; time++) world.refuse(id, 'registry.npmjs.org');
    await world.clock.advance(60_000);
    const rows = world.events.filter(({ type }) => type === 'egress.refused');
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({ ...refused, count: 1_082 });
    await world.app.close();
  });

  it('does not put a machine to rest while a prompt runs', async () => {
    const world = createWorld();
    await connect(world);
    await world.app.start();
    const finish = longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    await world.clock.advance(20 * 60_000);
    expect(world.fake.newest('cli').running).toBe(true);
    finish();
    expect((await promptEvents(world, promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    await world.app.close();
  });

  it('makes a new machine where the old one is gone from its host, and gives the lease to it', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const lost = world.fake.newest('cli');
    await atRest(world);
    lost.lose();
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
    const next = world.fake.newest('cli');
    expect(next).not.toBe(lost);
    expect(await world.store.credentials.holder(userId, 'fake')).toMatchObject({ machineId: next.machine.id });
    expect((await world.store.machines.get(lost.machine.id))?.state).toBe('lost');
    await world.app.machines.destroy(userId, lost.machine.id);
    expect((await world.store.machines.get(lost.machine.id))?.state).toBe('destroyed');
    expect(next.running).toBe(true);
  });

  it.each(['create', 'inject', 'start'] as const)(
    'recovers from a failure at %s, with the lease given back',
    async (step) => {
      const world = createWorld();
      await connect(world);
      world.fake.failAt(step, new SallyportError('MACHINE_FAILED', 'Not now.'));
      expect(await run(world)).toMatchObject({ outcome: 'failed', code: 'MACHINE_FAILED', message: 'Not now.' });
      expect(await world.store.credentials.holder(userId, 'fake')).toBeUndefined();
      expect(await world.leftovers()).toEqual([]);
      const gone = world.events.flatMap((event) =>
        event.type === 'machine.state' && event.role === 'cli' && event.state === 'destroyed' ? event.machineId : [],
      );
      expect((await Promise.all(gone.map((id) => world.store.machines.get(id)))).map((row) => row?.state)).toEqual([
        'destroyed',
      ]);
      expect(await world.store.machines.list()).toEqual([]);
      expect(await run(world)).toMatchObject({ outcome: 'completed' });
    },
  );

  it('does not use a machine whose credential cannot be watched', async () => {
    const world = createWorld();
    await connect(world);
    world.fake.script.watch = () => Promise.reject(new SallyportError('AGENT_REFUSED', 'No watch.'));
    expect(await run(world)).toMatchObject({ outcome: 'failed', code: 'AGENT_REFUSED' });
    expect(await world.leftovers()).toEqual([]);
    delete world.fake.script.watch;
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
  });

  it('clears up behind a crash before it starts the machine again, once', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    machine.home('fake').set(path, held(2));
    machine.crash();
    const [first, second] = await Promise.all([run(world), run(world)]);
    expect([first, second]).toMatchObject([{ outcome: 'completed' }, { outcome: 'completed' }]);
    await settle();
    expect(machine.running).toBe(true);
    expect(machine.boots.length).toBe(2);
    expect(await versionOf(world)).toBe(2);
    expect(machine.home('fake').get(path)).toEqual(held(2));
    expect(world.routes.open).toBe(1);
    const states = world.events.flatMap((event) => (event.type === 'machine.state' ? [event.state] : []));
    expect(states).toEqual(['running', 'stopped', 'running']);
  });
});

describe('rotations', () => {
  it('are stored and acknowledged while the machine runs, and need no restart', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    machine.home('fake').set(path, held(2));
    const offerId = machine.agent.offer('fake', credential(2));
    await until(() => machine.agent.acknowledged.includes(offerId));
    expect(await versionOf(world)).toBe(2);
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
    expect(machine.boots.length).toBe(1);
    expect(world.events.filter((event) => event.type === 'credential.stored').map((event) => event.reason)).toEqual([
      'import',
      'rotation',
    ]);
  });

  it('that come in while a prompt asks for the machine do not make it look out of date', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    const update = world.store.machines.update.bind(world.store.machines);
    const noted = Promise.withResolvers<void>();
    world.store.machines.update = async (machineId, change) => {
      await noted.promise;
      await update(machineId, change);
    };
    machine.agent.offer('fake', credential(2));
    await until(async () => (await versionOf(world)) === 2);
    const { promptId } = await ask(world);
    await settle();
    noted.resolve();
    expect((await promptEvents(world, promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    expect(machine.boots.length).toBe(1);
  });

  it('are stored later when the store was away, because the agent offers them again', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const { agent } = world.fake.newest('cli');
    const append = world.store.credentials.append.bind(world.store.credentials);
    world.store.credentials.append = () => Promise.reject(storeAway());
    const first = agent.offer('fake', credential(2));
    await settle();
    world.store.credentials.append = append;
    const second = agent.offer('fake', credential(2));
    await until(() => agent.acknowledged.includes(second));
    expect(agent.acknowledged).not.toContain(first);
    expect(await versionOf(world)).toBe(2);
  });

  it('are stored ten at once and then one a minute, however many the machine offers; its newest is stored when it stops', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const { agent, home } = world.fake.newest('cli');
    const first = 2;
    const last = 500;
    for (let issuedAt = first; issuedAt <= last; issuedAt += 1) agent.offer('fake', credential(issuedAt));
    await settle();
    expect(await versionOf(world)).toBe(11);
    expect(agent.acknowledged).toHaveLength(10);
    // The agent repeats what was not acknowledged.
    const again = agent.offer('fake', credential(last));
    await settle();
    expect(agent.acknowledged).not.toContain(again);
    await world.clock.advance(60_000);
    const late = agent.offer('fake', credential(last));
    agent.offer('fake', credential(last + 1));
    await until(() => agent.acknowledged.includes(late), 'a live rotation is stored before the stop');
    await settle();
    expect(await versionOf(world)).toBe(12);
    home('fake').set(path, held(last + 2));
    await atRest(world);
    expect(await versionOf(world)).toBe(13);
    const stored = await world.store.credentials.current(userId, 'fake');
    expect(stored?.facts).toMatchObject({ issuedAt: last + 2 });
    const rows = world.events.flatMap((event) => (event.type === 'credential.stored' ? [event.reason] : []));
    expect(rows).toEqual(['import', ...Array.from({ length: 11 }, () => 'rotation'), 'harvest']);
    await world.app.close();
  });

  it('that nobody saw are harvested after a kill, before anything is injected', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    machine.home('fake').set(path, held(7));
    machine.crash({ signal: 'SIGKILL' });
    await until(async () => (await versionOf(world)) === 2);
    await run(world);
    expect(machine.home('fake').get(path)).toEqual(held(7));
    expect(injections(machine)).toEqual([`${path} ${noncePath}`, noncePath]);
  });

  it('survive an unsafe disk: the machine ends stopped, the next start says why, and destroying it helps', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    world.fake.failAt('harvest', new SallyportError('MACHINE_DISK_UNSAFE', 'It has a link.'), 2);
    machine.crash();
    await until(async () => (await world.store.machines.list())[0]?.state === 'stopped');
    expect(world.reported).toEqual([`harvesting machine ${machine.machine.id}: It has a link.`]);
    expect(await run(world)).toMatchObject({ outcome: 'failed', code: 'MACHINE_DISK_UNSAFE' });
    expect(await world.leftovers()).toEqual([]);
    await world.app.machines.destroy(userId, machine.machine.id);
    expect(await world.store.credentials.holder(userId, 'fake')).toBeUndefined();
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
    expect(world.fake.machines.length).toBe(2);
  });
});

describe('a login again while the machine runs', () => {
  it('lets the running prompt end, then restarts the machine with the new login', async () => {
    const world = createWorld();
    await connect(world);
    const finish = longPrompts(world);
    const first = await ask(world);
    await until(isWorking(world, first.promptId));
    const { sessionId } = await startLogin(world);
    (await agentOf(world, sessionId)).offer('fake', credential(5));
    expect(await ended(world, sessionId)).toMatchObject({
      status: 'completed',
      cliMachineId: world.fake.newest('cli').machine.id,
    });
    const second = await ask(world);
    await settle();
    expect(world.fake.newest('cli').boots.length).toBe(1);
    finish();
    expect((await promptEvents(world, first.promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    expect((await promptEvents(world, second.promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    const machine = world.fake.newest('cli');
    expect(machine.boots.length).toBe(2);
    expect(machine.home('fake').get(path)).toEqual(held(5));
  });

  it('does not wait for a prompt longer than it may', async () => {
    const world = createWorld();
    await connect(world);
    longPrompts(world);
    const first = await ask(world);
    await until(isWorking(world, first.promptId));
    await connect(world, 5);
    delete world.fake.script.execute;
    const second = await ask(world);
    await settle();
    await world.clock.advance(30_000);
    expect((await promptEvents(world, first.promptId)).at(-1)).toMatchObject({
      outcome: 'failed',
      code: 'AGENT_UNREACHABLE',
    });
    expect((await promptEvents(world, second.promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
  });

  it('removes the files when the provider is disconnected', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    await world.app.credentials.disconnect(userId, 'fake');
    expect(machine.running).toBe(false);
    expect(machine.home('fake').size).toBe(0);
    expect(await world.app.credentials.list(userId)).toEqual([]);
    await expect(ask(world)).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
    await expect(world.app.credentials.disconnect(userId, 'fake')).rejects.toMatchObject({
      code: 'CREDENTIAL_NOT_CONNECTED',
    });
  });
});

describe('a second provider', () => {
  it('is put on the same machine, by a restart, and taken off again alone', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    await connect(world, 3, 'other');
    expect(await run(world, 'other')).toMatchObject({ outcome: 'completed' });
    const machine = world.fake.newest('cli');
    expect(world.fake.machines.length).toBe(1);
    expect(machine.boots.length).toBe(2);
    expect([...machine.home('fake').keys()]).toEqual([path, noncePath]);
    expect([...machine.home('other').keys()]).toEqual(['~/.other/auth.json', noncePath]);
    await world.app.credentials.disconnect(userId, 'other');
    expect([...machine.home('fake').keys()]).toEqual([path, noncePath]);
    expect(machine.home('other').size).toBe(0);
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
  });
});

describe('a login that the provider refuses', () => {
  const refuse = (world: World, before: () => Promise<void> = async () => undefined): void => {
    world.fake.script.execute = async function* () {
      await before();
      yield { type: 'stdout', line: '{"type":"error","message":"not logged in"}' };
      yield { type: 'exit', code: 1, signal: null, reason: 'ended' };
    };
  };

  it('is marked once, and not used again', async () => {
    const world = createWorld();
    await connect(world);
    refuse(world);
    expect(await run(world)).toMatchObject({ outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' });
    expect((await world.app.credentials.list(userId))[0]?.valid).toBe(false);
    expect(world.events.filter(({ type }) => type === 'credential.invalid').length).toBe(1);
    await expect(ask(world)).rejects.toMatchObject({ code: 'CREDENTIAL_INVALID' });
  });

  it('is not tried again and again by its CLI: the run is ended', async () => {
    const refusal = { type: 'prompt-end', outcome: 'relogin-needed', message: 'Refused.' } as const;
    const world = createWorld({
      parse: {
        initial: () => null,
        step: (state, { type }) => ({ state, events: type === 'stdout' ? [refusal] : [] }),
      },
    });
    await connect(world);
    let left = false;
    world.fake.script.execute = async function* (_request, _agent, signal) {
      try {
        yield { type: 'stdout', line: 'trying again (2 of 10)' };
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      } finally {
        left = true;
      }
    };
    expect(await run(world)).toMatchObject({ outcome: 'relogin-needed', message: 'Refused.' });
    expect(left).toBe(true);
    expect((await world.app.credentials.list(userId))[0]?.valid).toBe(false);
    expect((await world.app.machines.list(userId)).map(({ role }) => role)).toEqual(['cli']);
  });

  it('does not restart the machine for prompts of another provider', async () => {
    const world = createWorld();
    await connect(world);
    await connect(world, 1, 'other');
    refuse(world);
    expect(await run(world, 'other')).toMatchObject({ outcome: 'relogin-needed' });
    delete world.fake.script.execute;
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
    await world.app.machines.destroy(userId, world.fake.newest('cli').machine.id);
    await run(world);
    await run(world);
    const machine = world.fake.newest('cli');
    expect(machine.boots.length).toBe(1);
    expect([...machine.home('fake').keys()]).toEqual([path, noncePath]);
    expect(machine.home('other').size).toBe(0);
    expect((await world.app.credentials.list(userId)).map(({ valid }) => valid)).toEqual([true, false]);
  });

  it('is not marked when the user has logged in again meanwhile', async () => {
    const world = createWorld();
    await connect(world);
    refuse(world, () => connect(world, 5));
    expect(await run(world)).toMatchObject({ outcome: 'relogin-needed' });
    expect((await world.app.credentials.list(userId))[0]).toMatchObject({ valid: true, version: 2 });
  });
});

describe('a prompt that begins like a command of its CLI', () => {
  it('reaches the CLI with what makes text of it', async () => {
    const world = createWorld();
    await connect(world);
    const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: '/exit does not work' });
    await promptEvents(world, promptId);
    const { calls } = world.fake.newest('cli').agent;
    expect(calls.filter((call) => call.startsWith('execute'))).toEqual(['execute  /exit does not work']);
  });
});

describe('the end of a prompt', () => {
  it('is cancelled exactly once, and shows no secret', async () => {
    const world = createWorld();
    await connect(world);
    longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    await Promise.all([world.app.prompts.cancel(promptId), world.app.prompts.cancel(promptId)]);
    await world.app.prompts.cancel(promptId);
    const entries = await world.store.prompts.events(promptId, 0, 100);
    expect(ends(entries)).toBe(1);
    expect(entries.at(-1)?.event).toMatchObject({ type: 'prompt-end', outcome: 'cancelled', code: 'PROMPT_CANCELLED' });
    expect(world.events.filter(({ type }) => type === 'prompt.ended').length).toBe(1);
    expect(JSON.stringify([entries, world.events])).not.toContain(canary);
    await expect(world.app.prompts.cancel(crypto.randomUUID())).rejects.toMatchObject({ code: 'PROMPT_UNKNOWN' });
  });

  it('comes at once for who cancels while others wait for the machine, and holds nothing', async () => {
    const world = createWorld();
    await connect(world);
    await world.app.start();
    const release = world.fake.holdAt('start');
    const first = await ask(world);
    await until(() => world.fake.machines[0]?.log.includes('start') === true);
    const second = await ask(world);
    await settle();
    await world.app.prompts.cancel(second.promptId);
    expect((await promptEvents(world, second.promptId)).at(-1)).toMatchObject({ outcome: 'cancelled' });
    release();
    expect((await promptEvents(world, first.promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    await world.clock.advance(6 * 60_000);
    await until(() => world.fake.machines.every(({ running }) => !running));
    await world.app.close();
  });

  it('comes after the clean-up for who cancels its own boot; the next one boots again', async () => {
    const world = createWorld();
    await connect(world);
    const release = world.fake.holdAt('start');
    const { promptId } = await ask(world);
    await until(() => world.fake.machines[0]?.log.includes('start') === true);
    const cancelled = world.app.prompts.cancel(promptId);
    release();
    await cancelled;
    expect((await promptEvents(world, promptId)).at(-1)).toMatchObject({ outcome: 'cancelled' });
    expect(await world.leftovers()).toEqual([]);
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
  });

  it('says that the machine ended when the stream does without an exit', async () => {
    const world = createWorld();
    await connect(world);
    world.fake.script.execute = async function* () {
      yield { type: 'stdout', line: '{"type":"text","text":"half"}' };
    };
    expect(await run(world)).toMatchObject({
      outcome: 'failed',
      code: 'MACHINE_FAILED',
      message: expect.stringContaining('machine ended'),
    });
  });

  it('leaves no dead machine to the next one, however late the driver notices that it ended', async () => {
    const world = createWorld();
    await connect(world);
    await run(world);
    const machine = world.fake.newest('cli');
    const unreachable = new SallyportError('AGENT_UNREACHABLE', 'The agent could not be reached.');
    world.fake.script.health = async () => {
      if (machine.boots.length === 1) throw unreachable;
    };
    world.fake.script.execute = async function* () {
      yield { type: 'stdout', line: '{"type":"text","text":"half"}' };
      throw unreachable;
    };
    expect(await run(world)).toMatchObject({ outcome: 'failed', code: 'AGENT_UNREACHABLE' });
    delete world.fake.script.execute;
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
    expect(machine.boots.length).toBe(2);
  });

  it('is written when the store is back, as the prompt really ended', async () => {
    const world = createWorld();
    await connect(world);
    const finish = longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    const append = world.store.prompts.append.bind(world.store.prompts);
    world.store.prompts.append = () => Promise.reject(storeAway());
    finish();
    await settle();
    await world.clock.advance(3_000);
    expect((await world.app.prompts.get(promptId)).status).toBe('running');
    world.store.prompts.append = append;
    await world.clock.advance(5_000);
    expect((await promptEvents(world, promptId)).at(-1)).toMatchObject({ outcome: 'completed' });
    expect(world.clock.pending).toBe(0);
  });

  it('is written by the next start where the store stayed away', async () => {
    const world = createWorld();
    await connect(world);
    longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    const append = world.store.prompts.append.bind(world.store.prompts);
    world.store.prompts.append = () => Promise.reject(storeAway());
    const closed = world.app.close();
    await settle();
    await world.clock.advance(10_000);
    await closed;
    expect(await world.leftovers()).toEqual([]);
    world.store.prompts.append = append;
    const next = createWorld({ store: world.store, fake: world.fake });
    await next.app.start();
    expect((await promptEvents(next, promptId)).at(-1)).toMatchObject({ outcome: 'failed', code: 'PROMPT_FAILED' });
    expect(next.events.filter(({ type }) => type === 'prompt.ended').length).toBe(1);
    await next.app.close();
  });

  it('is written although a plugin fails at it', async () => {
    const world = createWorld({
      plugins: [
        {
          name: 'broken',
          apply: ({ hooks }) =>
            hooks['prompt.event'].tap('broken', (event) => {
              if (event.type === 'prompt-end') throw new Error('no');
              return event;
            }),
        },
      ],
    });
    await connect(world);
    expect(await run(world)).toMatchObject({ outcome: 'completed' });
  });

  it('is failed when the application closes, and no prompt is taken any more', async () => {
    const world = createWorld();
    await connect(world);
    longPrompts(world);
    const { promptId } = await ask(world);
    await until(isWorking(world, promptId));
    await world.app.close();
    expect((await promptEvents(world, promptId)).at(-1)).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('server was stopped'),
    });
    expect(await world.leftovers()).toEqual([]);
    await expect(ask(world)).rejects.toMatchObject({ code: 'PROMPT_FAILED' });
  });
});
