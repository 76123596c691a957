import type { FakeVendor, FakeVendorOptions } from '../fake-vendor/options.ts';
import { createKeySite } from '../fake-vendor/key-site.ts';
import { createVendorCore } from '../fake-vendor/vendor-core.ts';
import { createDeviceAuthorizations } from './login/device-authorizations.ts';
import { createIdentityProvider } from './login/identity-provider.ts';
import { createModelApi } from './model/model-api.ts';
import { openaiStateSchema, type OpenaiState } from './state.ts';
import { mintOpenaiTokens } from './tokens/tokens.ts';

export type FakeOpenaiOptions = FakeVendorOptions;

/** The provider behind the Codex CLI. */
export type FakeOpenai = FakeVendor<OpenaiState>;

export function createFakeOpenai(options: FakeOpenaiOptions = {}): FakeOpenai {
  const traits = { accessLifetimeSeconds: 3600, rotates: true, mint: mintOpenaiTokens };
  const core = createVendorCore(options, { ...traits, apiKeyPrefix: 'sk-proj-' });
  const devices = createDeviceAuthorizations(core.clock);
  const modelApi = createModelApi(core);
  const state = (): OpenaiState => openaiStateSchema.parse({ ...core.state(), devices: devices.all() });
  return {
    sites: {
      'platform.openai.com': createKeySite(core.apiKey),
      'auth.openai.com': createIdentityProvider({ ...core, devices }),
      'chatgpt.com': modelApi,
      'api.openai.com': modelApi,
    },
    control: { setFaults: core.switches.change, state },
    canary: core.canaries.token,
    codeCanary: core.canaries.code,
    state,
  };
}
