import { SallyportError } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import { provider as claude } from '@sallyport/provider-claude';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, credential, injections, outcomeOf, runPrompt, settle, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const path = '~/.fake/auth.json';
const stored = credential(1).auth;

const damages: Readonly<Record<string, string | undefined>> = {
  'a blank stub': JSON.stringify({ token: '', account: 'ada', issuedAt: 1 }),
  'a file without its token': JSON.stringify({ account: 'ada', issuedAt: 1 }),
  'an empty file': '',
  'half a file': stored.slice(0, 20),
  'text that is not JSON': 'logged out',
  'a missing file': undefined,
};

const home = (world: World) => world.fake.newest('cli').home('fake');
const textOnDisk = (world: World): string | undefined => home(world).get(path)?.content;

function writeAsCli(world: World, content: string | undefined): void {
  if (content === undefined) home(world).delete(path);
  else home(world).set(path, { path, content, mode: 0o600 });
}

/** What the CLI does in each prompt, in order. Each turn resolves to whether the provider accepts the login. */
function play(world: World, turns: readonly (() => boolean)[]): void {
  const left = [...turns];
  world.fake.script.execute = async function* (): AsyncGenerator<ExecuteEvent> {
    const isAccepted = left.shift()?.() ?? true;
    const line = isAccepted ? '{"type":"text","text":"done"}' : '{"type":"error","message":"not logged in"}';
    yield { type: 'stdout', line };
    yield { type: 'exit', code: isAccepted ? 0 : 1, signal: null, reason: 'ended' };
  };
}

async function stopIdleMachine(world: World): Promise<void> {
  await world.clock.advance(6 * 60_000);
  await until(async () => (await world.store.machines.list()).every(({ state }) => state !== 'running'));
  await settle();
}

const stateOf = async ({ store }: World) => {
  const { version, valid, invalidReason } = (await store.credentials.current(userId, 'fake')) ?? {};
  return { version, valid, invalidReason };
};
const usable = { version: 1, valid: true, invalidReason: null };
const ended = { version: 1, valid: false, invalidReason: 'refused' };

async function begin(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await world.app.start();
  await connect(world);
  return world;
}

describe('a credential file that the CLI has damaged', () => {
  it.each(Object.keys(damages))('does not end the stored credential, which replaces %s', async (kind) => {
    const world = await begin();
    const found: (string | undefined)[] = [];
    const damage = (): boolean => {
      found.push(textOnDisk(world));
      writeAsCli(world, damages[kind]);
      return true;
    };
    play(world, [damage, damage]);
    await runPrompt(world);
    await stopIdleMachine(world);
    expect(await stateOf(world)).toEqual(usable);
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'credential.rejected', provider: 'fake' }));
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(found).toEqual([stored, stored]);
    await world.app.close();
  });

  it.each(Object.keys(damages))(
    'ends the stored credential when the provider refuses it after it replaced %s',
    async (kind) => {
      const world = await begin();
      const found: (string | undefined)[] = [];
      const refuse = (): boolean => {
        found.push(textOnDisk(world));
        writeAsCli(world, damages[kind]);
        return false;
      };
      play(world, [refuse, refuse]);
      const first = (await runPrompt(world)).at(-1);
      expect(first).toMatchObject({ type: 'prompt-end', outcome: 'failed', code: 'CREDENTIAL_INCOMPLETE' });
      expect(await stateOf(world)).toEqual(usable);
      expect(outcomeOf(await runPrompt(world))).toBe('relogin-needed');
      expect(await stateOf(world)).toEqual(ended);
      expect(found).toEqual([stored, stored]);
      await world.app.close();
    },
  );

  it('ends the stored credential at once when the provider refuses the whole file', async () => {
    const world = await begin();
    play(world, [() => false]);
    expect(outcomeOf(await runPrompt(world))).toBe('relogin-needed');
    expect(await stateOf(world)).toEqual(ended);
    await world.app.close();
  });

  it('is replaced again after the stored credential has worked', async () => {
    const world = await begin();
    const refuse = (): boolean => {
      writeAsCli(world, '');
      return false;
    };
    play(world, [refuse, () => true, refuse, () => true]);
    const outcomes: (string | undefined)[] = [];
    for (let turn = 0; turn < 4; turn += 1) outcomes.push(outcomeOf(await runPrompt(world)));
    expect(outcomes).toEqual(['failed', 'completed', 'failed', 'completed']);
    expect(await stateOf(world)).toEqual(usable);
    expect(injections(world.fake.newest('cli'))).toHaveLength(3);
    await world.app.close();
  });
});

describe('an older login that the CLI puts back', () => {
  const newer = credential(2).auth;

  /** Version 2 is stored, and the machine has just written version 1 over it. */
  async function putBack(isAccepted: boolean, found: (string | undefined)[] = []): Promise<World> {
    const world = await begin();
    const rotate = (): boolean => {
      writeAsCli(world, newer);
      world.fake.newest('cli').agent.offer('fake', { auth: newer });
      return true;
    };
    const restore = (): boolean => {
      writeAsCli(world, stored);
      return isAccepted;
    };
    const look = (): boolean => {
      found.push(textOnDisk(world));
      return true;
    };
    play(world, [rotate, restore, look]);
    await runPrompt(world);
    await until(async () => (await stateOf(world)).version === 2);
    return world;
  }

  it('does not end the newer one, which replaces it', async () => {
    const found: (string | undefined)[] = [];
    const world = await putBack(true, found);
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    await stopIdleMachine(world);
    expect(await stateOf(world)).toEqual({ ...usable, version: 2 });
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(found).toEqual([newer]);
    await world.app.close();
  });

  it('does not end the newer one when the provider refuses it', async () => {
    const found: (string | undefined)[] = [];
    const world = await putBack(false, found);
    expect((await runPrompt(world)).at(-1)).toMatchObject({ outcome: 'failed', code: 'CREDENTIAL_INCOMPLETE' });
    expect(await stateOf(world)).toEqual({ ...usable, version: 2 });
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(found).toEqual([newer]);
    await world.app.close();
  });
});

describe.each(['~/.fake/auth.json', '~/.fake'])('a symbolic link at %s', (link) => {
  const files = { provider: 'other', prompt: 'hello' };

  async function plantLink(): Promise<World> {
    const world = await begin();
    await connect(world, 1, 'other');
    await runPrompt(world);
    const machine = world.fake.newest('cli');
    writeAsCli(world, undefined);
    machine.links('fake').add(link);
    await stopIdleMachine(world);
    return world;
  }

  it("leaves the user's other CLIs alone, and the stored credential valid", async () => {
    const world = await plantLink();
    expect(outcomeOf(await runPrompt(world, files))).toBe('completed');
    expect(await stateOf(world)).toEqual(usable);
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'credential.rejected', provider: 'fake' }));
    await world.app.close();
  });

  it('is replaced by the stored credential', async () => {
    const world = await plantLink();
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(textOnDisk(world)).toBe(stored);
    await world.app.close();
  });

  it('is replaced by a new credential', async () => {
    const world = await plantLink();
    await connect(world, 2);
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(textOnDisk(world)).toBe(credential(2).auth);
    await world.app.close();
  });

  it('sets only its own credential aside where it cannot be removed, until that works', async () => {
    const world = await plantLink();
    const { disk } = world.fake.newest('cli').machine;
    const remove = disk.remove.bind(disk);
    const inject = disk.inject.bind(disk);
    const refuse = async (provider: string): Promise<void> => {
      if (provider !== 'fake') return;
      throw new SallyportError('MACHINE_DISK_UNSAFE', `${link} is a directory.`, { details: { path: link } });
    };
    disk.remove = async (provider, paths) => refuse(provider).then(() => remove(provider, paths));
    disk.inject = async (provider, placed) => refuse(provider).then(() => inject(provider, placed));
    expect((await runPrompt(world)).at(-1)).toMatchObject({ outcome: 'failed', code: 'MACHINE_DISK_UNSAFE' });
    expect(outcomeOf(await runPrompt(world, files))).toBe('completed');
    expect(await stateOf(world)).toEqual(usable);
    Object.assign(disk, { remove, inject });
    expect(outcomeOf(await runPrompt(world))).toBe('completed');
    expect(textOnDisk(world)).toBe(stored);
    await world.app.close();
  });
});

describe('what a CLI keeps beside its secret', () => {
  it('survives a stop and a start', async () => {
    const world = await begin({ supersedes: (next, old) => (next.issuedAt ?? 0) > (old.issuedAt ?? 0) });
    const extended = JSON.stringify({ ...JSON.parse(stored), mcpOAuth: { server: 'token' } });
    const found: (string | undefined)[] = [];
    const extend = (): boolean => {
      found.push(textOnDisk(world));
      writeAsCli(world, extended);
      return true;
    };
    play(world, [extend, extend]);
    await runPrompt(world);
    await stopIdleMachine(world);
    await runPrompt(world);
    expect(found).toEqual([stored, extended]);
    expect(await stateOf(world)).toEqual(usable);
    await world.app.close();
  });
});

describe('settings beside a login that its CLI has damaged', () => {
  const settings = '~/.claude.json';
  const login = (turn: number): string =>
    JSON.stringify({
      claudeAiOauth: {
        accessToken: `access-${turn}`,
        refreshToken: `refresh-${turn}`,
        expiresAt: turn,
        scopes: ['user:inference'],
      },
    });

  it.each<[how: string, damage: (world: World) => void]>([
    ['cut off', (world) => writeSettings(world, '{"numStartups":')],
    ['emptied', (world) => writeSettings(world, '')],
    ['replaced by a link', (world) => void world.fake.newest('cli').links(claude.manifest.id).add(settings)],
  ])('do not hide what the login was refreshed to: %s', async (_how, damage) => {
    const world = createWorld({ more: [claude] });
    await world.app.start();
    const auth = '~/.claude/.credentials.json';
    await world.app.credentials.import({
      userId,
      externalId: null,
      provider: claude.manifest.id,
      files: { auth: login(1) },
    });
    const found: (string | undefined)[] = [];
    world.fake.script.execute = async function* (): AsyncGenerator<ExecuteEvent> {
      const files = world.fake.newest('cli').home(claude.manifest.id);
      found.push(files.get(auth)?.content);
      files.set(auth, { path: auth, content: login(found.length + 1), mode: 0o600 });
      damage(world);
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    };
    const prompt = { provider: claude.manifest.id, prompt: 'hello' };
    await runPrompt(world, prompt);
    await stopIdleMachine(world);
    await runPrompt(world, prompt);
    expect(found).toEqual([login(1), login(2)]);
    expect(await world.store.credentials.current(userId, claude.manifest.id)).toMatchObject({
      version: 2,
      valid: true,
    });
    await world.app.close();
  });

  function writeSettings(world: World, content: string): void {
    world.fake.newest('cli').home(claude.manifest.id).set(settings, { path: settings, content, mode: 0o600 });
  }
});

describe('an imported credential file', () => {
  it('is stored without the byte order mark that an editor wrote', async () => {
    const world = createWorld();
    await world.app.start();
    const files = { auth: `\u{feff}${stored}` };
    await world.app.credentials.import({ userId, externalId: null, provider: 'fake', files });
    await runPrompt(world);
    expect(textOnDisk(world)).toBe(stored);
    await world.app.close();
  });
});
