import type { Plugin } from '@sallyport/core';
import type { ExecuteRequest } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import { defaultSettings } from '@sallyport/core';
import { createFakeProvider } from '@sallyport/testkit';
import { expect, it } from 'vitest';

import { connect, createWorld, outcomeOf, runPrompt, userId } from './world.ts';
import type { World } from './world.ts';

const allowing = { ceiling: { ...defaultSettings.ceiling, projectSettings: 'use' as const } };
const hidden = [{ name: '.acme', kind: 'directory' as const }];

/** A CLI that is kept from the settings of a project by an option, and by what it does not see. */
function acme(projectSettings: Provider['manifest']['prompt']['projectSettings']): Provider {
  const provider = createFakeProvider();
  const { cli, credentials, prompt, ...manifest } = provider.manifest;
  if (prompt.drive !== 'lines') throw new Error('The fake CLI reads lines.');
  const paths = { browser: '~/.acme/auth.json', cli: '~/.acme/auth.json' };
  return {
    ...provider,
    manifest: {
      ...manifest,
      id: 'acme',
      title: 'Acme',
      aliases: [],
      cli: { ...cli, hiddenInWork: hidden },
      credentials: credentials.map((item) => (item.as === 'file' ? { ...item, paths } : item)),
      prompt: { ...prompt, argv: ['exec', { slot: 'projectSettings' }], resumeArgv: undefined, projectSettings },
    },
  };
}

const flags = { ignore: ['--own-settings'], use: [] };

async function worldWith(
  provider: Provider,
  options: Parameters<typeof createWorld>[0] = {},
): Promise<World & { readonly requests: readonly ExecuteRequest[] }> {
  const world = createWorld({ more: [provider], ...options });
  const requests: ExecuteRequest[] = [];
  world.fake.script.execute = async function* (request) {
    requests.push(request);
    yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
    yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
  };
  await connect(world, 1, 'acme');
  return { ...world, requests };
}

const ask = (world: World, projectSettings?: 'ignore' | 'use') =>
  runPrompt(world, { provider: 'acme', projectSettings });
const started = (world: World) => world.events.filter(({ type }) => type === 'prompt.started');

it('a CLI ignores the settings of a project unless its prompt asks for them', async () => {
  const world = await worldWith(acme(flags), { settings: allowing });
  for (const projectSettings of [undefined, 'ignore', 'use'] as const) {
    expect(outcomeOf(await ask(world, projectSettings))).toBe('completed');
  }
  const ignoring = { argv: ['exec', '--own-settings'], cli: { hiddenInWork: hidden } };
  expect(world.requests).toMatchObject([ignoring, ignoring, { argv: ['exec'], cli: { hiddenInWork: [] } }]);
  // Nothing else of what the agent is told changes with it.
  const [ignored, , used] = world.requests.map(({ argv: _argv, runId: _run, cli, ...rest }) => ({
    ...rest,
    cli: { ...cli, hiddenInWork: [] },
  }));
  expect(used).toEqual(ignored);
});

it('the audit log says which prompt asked for the settings of a project', async () => {
  const world = await worldWith(acme(flags), { settings: allowing });
  await ask(world);
  await ask(world, 'use');
  const entries = (await world.store.audit.list({ limit: 10, userId, type: 'prompt.started' })).toReversed();
  expect(entries.map(({ data }) => data['projectSettings'])).toEqual([undefined, 'use']);
});

it('a prompt that asks for them is refused, and not started, where the operator does not allow it', async () => {
  const world = await worldWith(acme(flags));
  await expect(ask(world, 'use')).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    status: 403,
    hint: expect.stringContaining("ceiling: { projectSettings: 'use' }"),
  });
  expect(started(world)).toEqual([]);
  expect(world.requests).toEqual([]);
});

it('a prompt that asks for them is refused where the manifest does not say how', async () => {
  const world = await worldWith(acme(undefined), { settings: allowing });
  await expect(ask(world, 'use')).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: 'Acme cannot be told to use the settings of a project.',
    hint: expect.stringContaining('prompt.projectSettings'),
  });
  expect(started(world)).toEqual([]);
  expect(outcomeOf(await ask(world, 'ignore'))).toBe('completed');
});

it('a plugin takes the permission away, and cannot grant it', async () => {
  const planning = (projectSettings: 'ignore' | 'use'): Plugin => ({
    name: 'planner',
    apply: ({ hooks }) => hooks['prompt.plan'].tapPromise('planner', async (plan) => ({ ...plan, projectSettings })),
  });
  for (const [planned, asked] of [
    ['ignore', 'use'],
    ['use', 'ignore'],
  ] as const) {
    const world = await worldWith(acme(flags), { settings: allowing, plugins: [planning(planned)] });
    await ask(world, asked);
    expect(world.requests).toMatchObject([{ argv: ['exec', '--own-settings'], cli: { hiddenInWork: hidden } }]);
  }
});

it('a CLI is told what other providers hide, and may not move it', async () => {
  const world = await worldWith(acme(undefined));
  await connect(world, 2, 'fake');
  expect(outcomeOf(await ask(world))).toBe('completed');
  expect(outcomeOf(await runPrompt(world, { provider: 'fake' }))).toBe('completed');
  // Logouts of several providers run at the same time.
  await world.app.credentials.disconnect(userId, 'fake');
  expect(
    world.requests.map(({ provider, argv, cli }) => [provider, argv[0], cli.hiddenInWork, cli.pinnedInWork]),
  ).toEqual([
    ['acme', 'exec', hidden, []],
    ['fake', 'exec', [], hidden],
    ['fake', 'logout', [], hidden],
  ]);
});
