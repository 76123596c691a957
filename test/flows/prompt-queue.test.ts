import { SallyportError } from '@sallyport/core';
import { AGENT_MAX_RUNS } from '@sallyport/core/protocol';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { PromptRecord } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, outcomeOf, promptEvents, settle, until, userId } from './world.ts';
import type { World } from './world.ts';

interface Runs {
  /** Prompts in the order in which the agent started them. */
  readonly started: readonly string[];
  readonly most: number;
  finish(prompt: string): void;
}

/** An agent with places for four runs, as the real one has; each run lasts until the test ends it. */
function limitRuns(world: World, options: { readonly lateBy?: number } = {}): Runs {
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  let running = 0;
  let most = 0;
  let refusals = options.lateBy ?? 0;
  world.fake.script.execute = async function* ({ prompt, argv }, _agent, signal): AsyncGenerator<ExecuteEvent> {
    if (argv[0] === 'logout') return;
    refusals -= 1;
    if (running >= 4 || refusals >= 0) throw new SallyportError('MACHINE_BUSY', 'This machine runs 4 prompts already.');
    running += 1;
    most = Math.max(most, running);
    try {
      const end = Promise.withResolvers<void>();
      ends.set(prompt, end);
      started.push(prompt);
      const aborted = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      await Promise.race([end.promise, aborted]);
      yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    } finally {
      running -= 1;
    }
  };
  return {
    started,
    get most() {
      return most;
    },
    finish: (prompt) => ends.get(prompt)?.resolve(),
  };
}

const ask = (world: World, prompt: string, user = userId): Promise<PromptRecord> =>
  world.app.prompts.start({ userId: user, provider: 'fake', prompt });

/** Sends prompts named after their number, in order. */
async function askMany(world: World, count: number): Promise<readonly PromptRecord[]> {
  const records: PromptRecord[] = [];
  for (let number = 1; number <= count; number += 1) records.push(await ask(world, `p${number}`));
  await settle();
  return records;
}

/** What the stream of a prompt has said so far. */
async function machineMessages(world: World, { promptId }: PromptRecord): Promise<readonly string[]> {
  const entries = await world.store.prompts.events(promptId, 0, 100);
  return entries.flatMap(({ event }) => (event.type === 'machine' ? [`${event.state}: ${event.message}`] : []));
}

const endOf = async (world: World, { promptId }: PromptRecord) => (await promptEvents(world, promptId)).at(-1);

async function busyWorld(count: number) {
  const world = createWorld();
  await connect(world);
  const runs = limitRuns(world);
  const records = await askMany(world, count);
  return { world, runs, records };
}

describe('prompts that a machine has no place for', () => {
  it('wait in the order of their arrival, and their streams say where they stand', async () => {
    const { world, runs, records } = await busyWorld(6);
    expect(AGENT_MAX_RUNS).toBe(4);
    expect(runs.started).toEqual(['p1', 'p2', 'p3', 'p4']);
    const [, , , , fifth, sixth] = records;
    if (!fifth || !sixth) throw new Error('Six prompts were sent.');
    expect(await machineMessages(world, fifth)).toEqual(['queued: Your machine runs 4 prompts. Yours is 1st in line.']);
    expect(await machineMessages(world, sixth)).toEqual(['queued: Your machine runs 4 prompts. Yours is 2nd in line.']);
    runs.finish('p3');
    await settle();
    expect(runs.started.slice(4)).toEqual(['p5']);
    expect((await machineMessages(world, fifth)).at(-1)).toBe('ready: Your prompt starts now.');
    expect((await machineMessages(world, sixth)).at(-1)).toMatch(/1st in line/);
    for (const prompt of ['p1', 'p2', 'p4', 'p5', 'p6']) {
      runs.finish(prompt);
      await settle();
    }
    for (const record of records) expect(await endOf(world, record)).toMatchObject({ outcome: 'completed' });
    expect(runs.started).toEqual(['p1', 'p2', 'p3', 'p4', 'p5', 'p6']);
    expect(runs.most).toBe(4);
    await world.app.close();
  });

  it('are refused when four of them wait already, before anything is written; another user is not', async () => {
    const { world, runs } = await busyWorld(8);
    const refused = await ask(world, 'p9').catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'MACHINE_BUSY',
      status: 429,
      retryable: true,
      details: { retryAfterSeconds: expect.any(Number) },
    });
    expect((await world.store.prompts.running()).length).toBe(8);
    const other = '00000000-0000-4000-8000-000000000002';
    await world.app.credentials.import({
      userId: other,
      externalId: null,
      provider: 'fake',
      files: { auth: JSON.stringify({ token: 't', account: 'bo', issuedAt: 1 }) },
    });
    await expect(ask(world, 'other', other)).resolves.toMatchObject({ status: 'running' });
    runs.finish('p1');
    await settle();
    await expect(ask(world, 'p9')).resolves.toMatchObject({ status: 'running' });
    await world.app.close();
  });

  it('can be cancelled, and those behind them move up', async () => {
    const { world, runs, records } = await busyWorld(6);
    const [, , , , fifth, sixth] = records;
    if (!fifth || !sixth) throw new Error('Six prompts were sent.');
    await world.app.prompts.cancel(fifth.promptId);
    expect(await endOf(world, fifth)).toMatchObject({ outcome: 'cancelled', code: 'PROMPT_CANCELLED' });
    await settle();
    expect((await machineMessages(world, sixth)).at(-1)).toMatch(/1st in line/);
    runs.finish('p1');
    await settle();
    expect(runs.started).toEqual(['p1', 'p2', 'p3', 'p4', 'p6']);
    await world.app.close();
  });

  it('end with a disconnected provider, and are never run', async () => {
    const { world, runs, records } = await busyWorld(6);
    const last = records.at(-1);
    if (!last) throw new Error('Six prompts were sent.');
    const shown = promptEvents(world, last.promptId);
    await world.app.credentials.disconnect(userId, 'fake');
    expect((await shown).at(-1)).toMatchObject({ outcome: 'failed', code: 'CREDENTIAL_NOT_CONNECTED' });
    const ends = world.events.filter(({ type }) => type === 'prompt.ended');
    expect(new Set(ends.map((event) => 'promptId' in event && event.promptId))).toEqual(
      new Set(records.map(({ promptId }) => promptId)),
    );
    expect(runs.started.length).toBe(4);
    await world.app.close();
  });

  it('end with the machine that is destroyed: none of them creates it again', async () => {
    const { world, runs, records } = await busyWorld(6);
    await world.app.machines.destroy(userId, world.fake.newest('cli').machine.id);
    const ends = await Promise.all(records.map((record) => endOf(world, record)));
    expect(ends.slice(4)).toMatchObject([
      { outcome: 'failed', code: 'MACHINE_FAILED', message: expect.stringContaining('destroyed') },
      { outcome: 'failed', code: 'MACHINE_FAILED', message: expect.stringContaining('destroyed') },
    ]);
    await settle();
    expect(world.fake.machines.length).toBe(1);
    expect(runs.started.length).toBe(4);
    await world.app.close();
  });

  it('end with the server', async () => {
    const { world, runs, records } = await busyWorld(8);
    await world.app.close();
    for (const record of records)
      expect(await endOf(world, record)).toMatchObject({ outcome: 'failed', code: 'PROMPT_FAILED' });
    expect(runs.started.length).toBe(4);
    expect(await world.leftovers()).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('end with a provider that is switched off, while those that run may finish', async () => {
    const { world, runs, records } = await busyWorld(5);
    const [first, , , , fifth] = records;
    if (!first || !fifth) throw new Error('Five prompts were sent.');
    const off = new SallyportError('PROVIDER_DISABLED', 'It is off.');
    const drained = world.app.prompts.drain('fake', () => off);
    expect(await endOf(world, fifth)).toMatchObject({ outcome: 'failed', code: 'PROVIDER_DISABLED' });
    for (const prompt of ['p1', 'p2', 'p3', 'p4']) runs.finish(prompt);
    await drained;
    expect(await endOf(world, first)).toMatchObject({ outcome: 'completed' });
    await world.app.close();
  });
});

describe('an agent that is still ending an earlier run', () => {
  it('is asked again until it has a place', async () => {
    const world = createWorld();
    await connect(world);
    const runs = limitRuns(world, { lateBy: 2 });
    const record = await ask(world, 'p1');
    await settle();
    expect(runs.started).toEqual([]);
    await world.clock.advance(500);
    await settle();
    await world.clock.advance(500);
    await until(() => runs.started.length === 1);
    runs.finish('p1');
    expect(outcomeOf(await promptEvents(world, record.promptId))).toBe('completed');
    await world.app.close();
  });

  it('ends the prompt with its own code when it has none for long', async () => {
    const world = createWorld();
    await connect(world);
    limitRuns(world, { lateBy: 1_000 });
    const record = await ask(world, 'p1');
    for (let second = 0; second < 31; second += 1) {
      await settle();
      await world.clock.advance(1_000);
    }
    expect(await endOf(world, record)).toMatchObject({ outcome: 'failed', code: 'MACHINE_BUSY' });
    await world.app.close();
  });
});
