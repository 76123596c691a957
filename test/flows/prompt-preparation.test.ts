import { defaultSettings, SallyportError } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, runPrompt, settle, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const expected = { userId, provider: 'fake' };

/** What the agents of CLI machines were asked to start ahead: command lines. */
const started = ({ fake }: World): readonly string[] =>
  fake.machines
    .filter(({ plan }) => plan.role === 'cli')
    .flatMap(({ agent }) => agent.calls)
    .flatMap((call) => /^startAhead (?<argv>.*)/.exec(call)?.groups?.['argv'] ?? []);

async function connected(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await world.app.start();
  await connect(world);
  await settle();
  return world;
}

const untilStarted = (world: World): Promise<void> => until(() => started(world).length > 0, 'the CLI to be started');

describe('getting ready for a prompt', () => {
  it('starts the machine and lets the CLI wait, so that the prompt finds both', async () => {
    const world = await connected();
    await world.app.prompts.prepare(expected);
    await untilStarted(world);
    expect(started(world)).toEqual(['exec']);
    const events = await runPrompt(world);
    expect(events.at(-1)).toMatchObject({ outcome: 'completed' });
    expect(events.filter(({ type }) => type === 'machine')).toEqual([]);
    expect(world.fake.machines.filter(({ plan }) => plan.role === 'cli')).toHaveLength(1);
  });

  it('wakes a machine that sleeps', async () => {
    const world = await connected({ features: { hibernate: true } });
    await runPrompt(world);
    await world.clock.advance(6 * 60_000);
    await until(() => world.fake.newest('cli').hibernated, 'the machine to hibernate');
    await world.app.prompts.prepare(expected);
    await untilStarted(world);
    expect(world.fake.newest('cli')).toMatchObject({ running: true });
  });

  it('asks for the process that the prompt will need', async () => {
    const world = await connected();
    const argvs: string[] = [];
    world.fake.script.execute = async function* ({ argv }): AsyncGenerator<ExecuteEvent> {
      argvs.push(argv.join(' '));
      yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    };
    const more = { conversationId: 'c-1', model: 'm-1' };
    await world.app.prompts.prepare({ ...expected, ...more });
    await untilStarted(world);
    await runPrompt(world, more);
    expect(argvs).toEqual(['exec --resume c-1 --model m-1']);
    expect(started(world)).toEqual(argvs);
  });

  it('is refused as the prompt would be', async () => {
    const world = createWorld();
    await world.app.start();
    const refusal = (change: object = {}) =>
      world.app.prompts.prepare({ ...expected, ...change }).then(
        () => 'none',
        (error: unknown) => SallyportError.isInstance(error) && error.code,
      );
    expect(await refusal()).toBe('CREDENTIAL_NOT_CONNECTED');
    expect(await refusal({ provider: 'nothing' })).toBe('PROVIDER_UNKNOWN');
    expect(defaultSettings.ceiling.projectSettings).toBe('ignore');
    expect(await refusal({ projectSettings: 'use' })).toBe('ACCESS_DENIED');
    expect(world.fake.machines).toEqual([]);
  });

  it('is done once for a user at a time, and not while a prompt runs', async () => {
    const world = await connected();
    await Promise.all([1, 2, 3].map(() => world.app.prompts.prepare(expected)));
    await untilStarted(world);
    await settle();
    expect(started(world)).toHaveLength(1);
    const [runs, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    world.fake.script.execute = async function* (): AsyncGenerator<ExecuteEvent> {
      runs.resolve();
      await end.promise;
      yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    };
    const prompt = runPrompt(world);
    await runs.promise;
    await world.app.prompts.prepare(expected);
    await settle();
    expect(started(world)).toHaveLength(1);
    end.resolve();
    expect((await prompt).at(-1)).toMatchObject({ outcome: 'completed' });
  });

  it('leaves nothing where the login is erased meanwhile', async () => {
    const world = await connected();
    const release = world.fake.holdAt('start');
    await world.app.prompts.prepare(expected);
    await settle();
    const erased = world.app.credentials.disconnect(userId, 'fake');
    await settle();
    release();
    await erased;
    expect(started(world)).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('is given up when the server stops', async () => {
    const world = await connected();
    const release = world.fake.holdAt('start');
    await world.app.prompts.prepare(expected);
    await settle();
    const stopped = world.app.close();
    await settle();
    release();
    await stopped;
    expect(started(world)).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });
});
