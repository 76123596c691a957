import type { Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { createFakeAnthropic, createFakeGoogle, createFakeOpenai } from '@sallyport/testkit/vendors';
import type { FakeVendor, FakeVendorOptions, VendorState } from '@sallyport/testkit/vendors';
import { expect, it } from 'vitest';

import { createCliWorld } from '../support/cli-world.ts';

/** Prompts that the CLIs take for commands at their own prompt, and some of them headless too. */
const prompts = [
  '/login does not work on my page',
  '/clear the table',
  '/model x',
  '/exit',
  '/compact',
  '/init',
  '!ls',
  '#remember this',
  '@missing.txt is missing',
  '?',
];

const cases: readonly (readonly [string, Provider, (options: FakeVendorOptions) => FakeVendor<VendorState>])[] = [
  ['Codex', codex, createFakeOpenai],
  ['Claude Code', claude, createFakeAnthropic],
  ['Gemini CLI', gemini, createFakeGoogle],
];

it.each(cases)('%s hands every prompt on to the model as text', async (_name, provider, create) => {
  const vendor = create({ wordDelayMs: 0 });
  await using world = await createCliWorld({ provider, vendors: { vendor } });
  for (const prompt of prompts) {
    const { answer, end } = await world.prompt(prompt, { values: { api_key: vendor.state().apiKey } });
    expect([prompt, answer, end]).toEqual([
      prompt,
      expect.stringContaining(`You said: ${prompt}`),
      expect.objectContaining({ outcome: 'completed' }),
    ]);
  }
});
