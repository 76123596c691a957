import { createMemoryRollbackGuard } from '@sallyport/core/key-ring';
import type { Settings } from '@sallyport/core';
import type { RollbackGuard } from '@sallyport/core/key-ring';
import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import type { RefreshCommand } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, credential, runPrompt, settle, until, userId } from './world.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;

const command: RefreshCommand = { argv: ['refresh'], exits: { '0': 'ok', '1': 'not-logged-in' }, afterHours: 8 };

/** As a CLI that speaks JSON-RPC refreshes its login. */
const talk: RefreshCommand = {
  argv: ['server'],
  afterHours: 8,
  steps: [{ id: 'renew', do: { kind: 'request', method: 'renew', replyWithinMs: 30_000 } }],
  over: [{ when: { pattern: '^renew result$' } }],
  reloginNeeded: [{ pattern: '^renew result /refused true$' }],
};

const exit = (code: number): ExecuteEvent => ({ type: 'exit', code, signal: null, reason: 'ended' });

/** A user whose machine runs, with a login from before the beginning of this world's time. */
async function begin(options: {
  refresh?: RefreshCommand;
  keepAlive?: Partial<Settings['keepAlive']>;
  rollbackGuard?: RollbackGuard;
}) {
  const keepAlive = { beforeMs: 20 * MINUTE_MS, retryMs: 10 * MINUTE_MS, atOnce: 2, ...options.keepAlive };
  const settings = { keepAlive, idleMs: 24 * 60 * MINUTE_MS };
  const world = createWorld({
    settings,
    ...(options.refresh && { refresh: options.refresh }),
    ...(options.rollbackGuard && { rollbackGuard: options.rollbackGuard }),
  });
  await world.app.start();
  await connect(world);
  await runPrompt(world);
  return world;
}

/** From now on its CLI does this when it is to refresh a login. */
function script(world: World, renew: (rotate: () => void) => AsyncIterable<ExecuteEvent>): ExecuteRequest[] {
  const asked: ExecuteRequest[] = [];
  world.fake.script.execute = (request, agent) => {
    asked.push(request);
    return renew(() => {
      agent.offer('fake', credential(world.clock.now()));
    });
  };
  return asked;
}

/** Hours pass, and its CLI is never asked to refresh a login. */
async function expectNoRefresh(world: World): Promise<void> {
  const asked = script(world, async function* () {
    yield exit(0);
  });
  await world.clock.advance(3 * 60 * MINUTE_MS);
  await settle();
  expect(asked).toEqual([]);
  await world.app.close();
}

const current = (world: World) => world.store.credentials.current(userId, 'fake');

describe('a login that is kept alive', () => {
  it.each([
    ['a command', command],
    ['a talk over JSON-RPC', talk],
  ])('is refreshed by %s on the machine that runs, and stored as a new version', async (_, refresh) => {
    const world = await begin({ refresh });
    const asked = script(world, async function* (rotate) {
      rotate();
      if ('steps' in refresh) yield { type: 'rpc', message: { id: 'renew', result: {} } };
      yield exit(0);
    });
    await world.clock.advance(MINUTE_MS);
    await until(async () => (await current(world))?.version === 2, 'the new version');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      argv: refresh.argv,
      prompt: '',
      ...('steps' in refresh && { rpc: { values: {} } }),
    });
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'credential.stored', version: 2, reason: 'rotation' }),
    );
    await world.clock.advance(30 * MINUTE_MS);
    expect(asked).toHaveLength(1);
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
    expect(world.reported).toEqual([]);
  });

  it.each([
    ['a command', command],
    ['a talk over JSON-RPC', talk],
  ])('ends, once, where the vendor refuses %s', async (_, refresh) => {
    const world = await begin({ refresh });
    const asked = script(world, async function* () {
      if ('steps' in refresh) yield { type: 'rpc', message: { id: 'renew', result: { refused: true } } };
      yield exit('steps' in refresh ? 0 : 1);
    });
    await world.clock.advance(60 * MINUTE_MS);
    await until(async () => (await current(world))?.valid === false, 'the end of the login');
    expect(asked).toHaveLength(1);
    expect(world.events.filter(({ type }) => type === 'credential.invalid')).toMatchObject([{ reason: 'refused' }]);
    await world.app.close();
  });

  it('is tried again after a while where it was not refreshed, and stays as it is', async () => {
    const world = await begin({ refresh: talk });
    const asked = script(world, async function* () {
      yield { type: 'rpc', message: { id: 'renew', error: { message: 'The vendor is away.' } } };
      yield exit(0);
    });
    await world.clock.advance(5 * MINUTE_MS);
    await until(() => asked.length === 1, 'the first attempt');
    await world.clock.advance(20 * MINUTE_MS);
    await until(() => asked.length > 1, 'the next attempt');
    expect(asked.length).toBeLessThanOrEqual(3);
    expect(await current(world)).toMatchObject({ valid: true, version: 1 });
    expect(world.reported[0]).toContain('refreshing the fake login');
    await world.app.close();
  });

  it('waits for the prompt that uses it, and the next prompt waits for it', async () => {
    const world = await begin({ refresh: command });
    const order: string[] = [];
    let letGo = (): void => undefined;
    world.fake.script.execute = async function* (request) {
      const name = request.prompt === '' ? 'refresh' : 'prompt';
      order.push(`${name} begins`);
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
      order.push(`${name} ends`);
      yield exit(0);
    };
    const first = runPrompt(world);
    await until(() => order.length === 1, 'the prompt');
    await world.clock.advance(2 * MINUTE_MS);
    await settle();
    expect(order).toEqual(['prompt begins']);
    letGo();
    await first;
    await world.clock.advance(MINUTE_MS / 2);
    await until(() => order.includes('refresh begins'), 'the refresh');
    const second = runPrompt(world);
    await settle();
    letGo();
    await until(() => order.length === 5, 'the next prompt');
    letGo();
    await second;
    const one = (name: string): string[] => [`${name} begins`, `${name} ends`];
    expect(order).toEqual([...one('prompt'), ...one('refresh'), ...one('prompt')]);
    await world.app.close();
  });

  it.each([
    ['whose provider has no command for it', {}],
    ['where the operator has turned that off', { refresh: command, keepAlive: { beforeMs: 0 } }],
  ])('is none %s', async (_, options) => {
    const world = await begin(options);
    await expectNoRefresh(world);
  });

  it('is left alone on a machine that does not hold it any more', async () => {
    const rollbackGuard = createMemoryRollbackGuard();
    const world = await begin({ refresh: command, rollbackGuard });
    await world.store.credentials.release(userId, 'fake', world.fake.newest('cli').machine.id);
    const remembered = await rollbackGuard.recall(userId, 'fake');
    if (remembered) await rollbackGuard.note(userId, 'fake', { ...remembered, machineId: null });
    await expectNoRefresh(world);
  });

  it('is left alone where no machine runs', async () => {
    const world = await begin({ refresh: command });
    const machineId = (await world.store.users.get(userId))?.machineId ?? '';
    await world.app.machines.destroy(userId, machineId);
    await expectNoRefresh(world);
  });
});
