import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Store } from '@sallyport/core/store';
import { createFakeProvider } from '@sallyport/testkit';
import { beforeEach, describe, expect, it } from 'vitest';

import { runCommand } from '../setup/run-command.ts';
import { registerProviders } from '../../packages/server/src/commands/providers.ts';
import { loadConfig } from '../../packages/server/src/config/load-config.ts';

let store: Store;
let printed: string[];

beforeEach(() => {
  store = createMemoryStore({ clock: systemClock });
  printed = [];
});

const run = (words: readonly string[], deployment: 'self-hosted' | 'hosted' = 'self-hosted'): Promise<void> =>
  runCommand(registerProviders, ['providers', ...words], (given) => ({
    words: given,
    loadConfig: async () => ({
      ...(await loadConfig('e2e/configs/fake-cli.config.ts')),
      providers: [createFakeProvider()],
      deployment,
      acceptedTerms: [],
    }),
    configFile: () => 'unused',
    withStore: (work) => work(store),
    clock: systemClock,
    print: (line) => printed.push(line),
    exitWith: () => undefined,
  }));

describe('the providers command', () => {
  it('lists what is on, what the operator has switched off, and what its terms keep off', async () => {
    await run([]);
    await run(['disable', 'fake']);
    await run(['list']);
    await run(['enable', 'fake']);
    await run(['list'], 'hosted');
    const states = printed.filter((line) => line.startsWith('fake')).map((line) => line.slice(16, 30).trim());
    expect(states).toEqual(['on', 'disabled', 'off (terms)']);
    expect(printed[1]).toContain('terms https://login.fake.test/terms, read 2026-01-01; listed for: self-hosted');
  });

  it('takes an alias, and says how much is under way', async () => {
    const promptId = '00000000-0000-4000-8000-000000000002';
    const userId = '00000000-0000-4000-8000-000000000001';
    await store.prompts.create(
      { promptId, userId, host: 'local', provider: 'fake', conversationId: null },
      { type: 'prompt-start', promptId, provider: 'fake' },
    );
    await run(['disable', 'fake_cli']);
    expect(await store.providerSwitches.disabled()).toEqual(['fake']);
    expect(printed.join('\n')).toContain('0 logins end within seconds, and 1 prompts may finish');
  });

  it('writes down each switch once, and nothing where it is in that position already', async () => {
    for (const word of ['enable', 'disable', 'disable', 'enable', 'enable']) await run([word, 'fake']);
    const entries = await store.audit.list({ limit: 10 });
    expect(entries.map(({ type, data }) => [type, data])).toEqual([
      ['provider.enabled', { provider: 'fake' }],
      ['provider.disabled', { provider: 'fake' }],
    ]);
  });

  it('says that switching on does not overrule the terms', async () => {
    await run(['enable', 'fake'], 'hosted');
    expect(printed.join('\n')).toContain('It stays off all the same');
  });

  it.each([
    [['disable', 'fak'], 'PROVIDER_UNKNOWN'],
    [['disable'], 'commander.missingArgument'],
    [['disable', 'fake', 'other'], 'commander.excessArguments'],
    [['list', 'fake'], 'commander.excessArguments'],
    [['forget', 'fake'], 'commander.unknownCommand'],
  ])('refuses %j', async (words, code) => {
    await expect(run(words)).rejects.toMatchObject({ code });
    expect(await store.providerSwitches.disabled()).toEqual([]);
  });
});
