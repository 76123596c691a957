import type { Clock } from '@sallyport/core';

import { createFakeAnthropic } from '../fake-anthropic/fake-anthropic.ts';
import { anthropicStateSchema } from '../fake-anthropic/state.ts';
import { createFakeGoogle } from '../fake-google/fake-google.ts';
import type { Controllable, Site } from '../fake-internet/site.ts';
import { createFakeOpenai } from '../fake-openai/fake-openai.ts';
import { vendorStateSchema } from '../fake-vendor/state.ts';

/** A fake vendor, and how to practise with it. */
export interface FakeVendorScript {
  /** Id of the provider whose CLI talks to it. */
  readonly provider: string;
  /** What the control socket of a fake internet calls it. */
  readonly name: string;
  readonly create: (options: { readonly clock: Clock }) => {
    readonly sites: Readonly<Record<string, Site>>;
    /** Has the switch `accessExpiredBefore`, and lists `logins` and `families` in its state. */
    readonly control: Controllable;
  };
  /** Switches that are set from the start. */
  readonly faults?: Readonly<Record<string, unknown>>;
  /** What the user answers without looking at a page, by the id of the prompt: keys that the vendor accepts. */
  readonly answers?: (state: unknown) => Readonly<Record<string, string>>;
}

/** The vendors of the providers that Sallyport brings. */
export const fakeVendorScripts: readonly FakeVendorScript[] = [
  { provider: 'codex', name: 'openai', create: createFakeOpenai, answers: apiKeyIn },
  {
    provider: 'claude_code',
    name: 'anthropic',
    create: createFakeAnthropic,
    answers: (state) => ({ ...apiKeyIn(state), token: anthropicStateSchema.parse(state).setupToken }),
  },
  {
    provider: 'gemini_cli',
    name: 'google',
    create: createFakeGoogle,
    answers: apiKeyIn,
    // It refreshes a token that ends within five minutes, and is lost when one that looks good is refused.
    faults: { accessLifetimeSeconds: 60 },
  },
];

function apiKeyIn(state: unknown): Readonly<Record<string, string>> {
  return { api_key: vendorStateSchema.parse(state).apiKey };
}
