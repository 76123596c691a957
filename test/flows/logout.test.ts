import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, outcomeOf, runPrompt, settle, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const exit = (code = 0): ExecuteEvent => ({ type: 'exit', code, signal: null, reason: 'ended' });
const isLogout = ({ argv }: ExecuteRequest): boolean => argv[0] === 'logout';
const revoking = { argv: ['logout'], exits: { '0': 'ok' as const }, revoked: [{ text: 'Tokens revoked.' }] };

/** A world whose CLIs do this when they are told to log out. `logouts`: what was told to, and what was stored then. */
async function begin(
  logOut: (request: ExecuteRequest, signal: AbortSignal) => AsyncIterable<ExecuteEvent>,
  options: WorldOptions = {},
): Promise<World & { readonly logouts: readonly string[] }> {
  const world = createWorld(options);
  const logouts: string[] = [];
  await world.app.start();
  await connect(world);
  world.fake.script.execute = async function* (request, _agent, signal) {
    if (isLogout(request)) {
      const stored = await world.store.credentials.current(userId, request.provider);
      logouts.push(`${request.provider}, version ${stored?.version}`);
      yield* logOut(request, signal);
      return;
    }
    yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
    yield exit();
  };
  return { ...world, logouts };
}

async function* print(...events: readonly ExecuteEvent[]): AsyncGenerator<ExecuteEvent> {
  yield* events;
}

// oxlint-disable-next-line require-yield -- it hangs before it says anything
async function* hang(_request: unknown, signal: AbortSignal): AsyncGenerator<ExecuteEvent> {
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

async function expectErased(world: World): Promise<void> {
  expect(await world.store.credentials.list(userId)).toEqual([]);
  expect(world.fake.machines.flatMap(({ destroyed, home }) => (destroyed ? [] : [...home('fake').keys()]))).toEqual([]);
  await world.app.close();
  expect(await world.leftovers()).toEqual([]);
  expect(world.clock.pending).toBe(0);
}

describe('disconnecting', () => {
  it.each<readonly [string, WorldOptions, readonly ExecuteEvent[], unknown]>([
    ['true if the CLI shows it', { logout: revoking }, [{ type: 'stdout', line: 'Tokens revoked.' }, exit()], true],
    [
      'true if it shows it as an error',
      { logout: revoking },
      [{ type: 'stderr', line: 'Tokens revoked.' }, exit()],
      true,
    ],
    [
      'unknown if the CLI does not show it',
      { logout: revoking },
      [{ type: 'stdout', line: 'Bye.' }, exit()],
      'unknown',
    ],
    ['unknown if the CLI has no words for it', {}, [{ type: 'stdout', line: 'Tokens revoked.' }, exit()], 'unknown'],
    ['false if the CLI fails', { logout: revoking }, [{ type: 'stdout', line: 'Tokens revoked.' }, exit(1)], false],
    ['false if the CLI is cut off', { logout: revoking }, [{ type: 'stdout', line: 'Tokens revoked.' }], false],
  ])('logs out once before it erases, and says %s', async (_, options, events, vendorRevoked) => {
    const world = await begin(() => print(...events), options);
    await runPrompt(world);
    expect(await world.app.credentials.disconnect(userId, 'fake')).toEqual({ vendorRevoked });
    expect(world.logouts).toEqual(['fake, version 1']);
    await expectErased(world);
  });

  it('starts a machine that does not run', async () => {
    const world = await begin(() => print(exit()));
    expect(await world.app.credentials.disconnect(userId, 'fake')).toEqual({ vendorRevoked: 'unknown' });
    expect(world.logouts).toHaveLength(1);
    await expectErased(world);
  });

  it('gives a logout that hangs 30 s, then erases', async () => {
    const world = await begin(hang);
    let answer: unknown;
    const disconnected = world.app.credentials.disconnect(userId, 'fake').then((said) => (answer = said));
    await until(() => world.logouts.length === 1);
    await world.clock.advance(29_999);
    await settle();
    expect(answer).toBeUndefined();
    await world.clock.advance(1);
    await disconnected;
    expect(answer).toEqual({ vendorRevoked: false });
    expect(world.reported).toEqual([expect.stringContaining('The logout did not end within 30 s.')]);
    await expectErased(world);
  });

  it('erases if the machine does not start', async () => {
    const world = await begin(() => print(exit()));
    world.failEgress(new Error('The egress is away.'));
    expect(await world.app.credentials.disconnect(userId, 'fake')).toEqual({ vendorRevoked: false });
    expect(world.logouts).toEqual([]);
    expect(world.reported).toEqual([expect.stringContaining('logging a user out')]);
    await expectErased(world);
  });

  it.each<readonly [string, WorldOptions, (world: World) => Promise<unknown>]>([
    ['the CLI has no command for it', { logout: undefined }, async () => undefined],
    [
      'the login is not valid any more',
      {},
      ({ store }) => store.credentials.setValid(userId, 'fake', false, 'refused'),
    ],
    ['the provider is switched off', {}, switchOff],
    [
      'it is an API key',
      {},
      ({ app }) =>
        app.credentials.import({
          userId,
          externalId: null,
          provider: 'fake',
          files: { api_key: 'fk-0123456789' },
          replace: true,
        }),
    ],
  ])('starts nothing if %s', async (_, options, prepare) => {
    const world = await begin(() => print(exit()), options);
    await prepare(world);
    expect(await world.app.credentials.disconnect(userId, 'fake')).toEqual({ vendorRevoked: false });
    expect(world.fake.machines).toEqual([]);
    expect(await world.store.credentials.list(userId)).toEqual([]);
    await world.app.close();
  });

  it('logs out from the one provider, and leaves the other alone', async () => {
    const world = await begin(() => print(exit()));
    await connect(world, 1, 'other');
    await world.app.credentials.disconnect(userId, 'fake');
    expect(world.logouts).toEqual(['fake, version 1']);
    expect(outcomeOf(await runPrompt(world, { provider: 'other' }))).toBe('completed');
    await world.app.close();
  });

  it('logs out once if it is asked twice at a time', async () => {
    const world = await begin(() => print(exit()));
    await Promise.all([1, 2].map(() => world.app.credentials.disconnect(userId, 'fake')));
    expect(world.logouts).toHaveLength(1);
    await expectErased(world);
  });
});

describe('deleting a user', () => {
  it('logs out once from each provider, at the same time and on one machine', async () => {
    const both = Promise.withResolvers<void>();
    const world = await begin(async function* () {
      if (world.logouts.length === 2) both.resolve();
      await both.promise;
      yield exit();
    });
    await connect(world, 1, 'other');
    await Promise.all([world.app.users.erase(userId), world.app.users.erase(userId)]);
    expect(world.logouts.toSorted()).toEqual(['fake, version 1', 'other, version 1']);
    expect(world.fake.machines).toHaveLength(1);
    await expectErased(world);
  });

  it('gives logouts that hang 30 s altogether, then erases', async () => {
    const world = await begin(hang);
    await connect(world, 1, 'other');
    const erased = world.app.users.erase(userId);
    await until(() => world.logouts.length === 2);
    await world.clock.advance(30_000);
    await erased;
    expect(await world.store.users.get(userId)).toBeUndefined();
    await expectErased(world);
  });

  it('erases if the machine does not start', async () => {
    const world = await begin(() => print(exit()));
    world.failEgress(new Error('The egress is away.'));
    await world.app.users.erase(userId);
    expect(world.logouts).toEqual([]);
    expect(await world.store.users.get(userId)).toBeUndefined();
    await expectErased(world);
  });
});

async function switchOff({ store, clock, app }: World): Promise<void> {
  await store.providerSwitches.set('fake', true);
  await clock.advance(60_000);
  await expect(app.prompts.start({ userId, provider: 'fake', prompt: 'hi' })).rejects.toMatchObject({
    code: 'PROVIDER_DISABLED',
  });
}
