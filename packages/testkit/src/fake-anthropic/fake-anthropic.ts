import type { FakeVendor, FakeVendorOptions } from '../fake-vendor/options.ts';
import { createKeySite } from '../fake-vendor/key-site.ts';
import { createVendorCore } from '../fake-vendor/vendor-core.ts';
import { createApiSite } from './api-site.ts';
import { createSignInSites } from './sign-in-sites.ts';
import type { AnthropicState } from './state.ts';
import { mintAnthropicTokens } from './tokens.ts';

export type FakeAnthropicOptions = FakeVendorOptions;

/** The provider behind Claude Code. */
export type FakeAnthropic = FakeVendor<AnthropicState>;

export function createFakeAnthropic(options: FakeAnthropicOptions = {}): FakeAnthropic {
  const traits = { accessLifetimeSeconds: 28_800, rotates: true, mint: mintAnthropicTokens };
  const core = createVendorCore(options, { ...traits, apiKeyPrefix: 'sk-ant-api03-' });
  const signIn = createSignInSites(core);
  const setupToken = `sk-ant-oat01-practice-token-${core.canaries.token}`;
  const state = (): AnthropicState => ({ ...core.state(), setupToken });
  return {
    sites: {
      'console.anthropic.com': createKeySite(core.apiKey),
      'claude.ai': signIn.short,
      'claude.com': signIn.long,
      'platform.claude.com': signIn.platform,
      'api.anthropic.com': createApiSite({ ...core, setupToken }),
    },
    control: { setFaults: core.switches.change, state },
    canary: core.canaries.token,
    codeCanary: core.canaries.code,
    state,
  };
}
