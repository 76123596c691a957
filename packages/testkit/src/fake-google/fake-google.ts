import type { FakeVendor, FakeVendorOptions } from '../fake-vendor/options.ts';
import { createKeySite } from '../fake-vendor/key-site.ts';
import { createVendorCore } from '../fake-vendor/vendor-core.ts';
import { createCodeAssistSite, createUserInfoSite } from './code-assist-site.ts';
import { createGenerativeLanguageSite } from './generative-language-site.ts';
import { createSignInSites } from './sign-in-site.ts';
import type { GoogleState } from './state.ts';
import { createTokenSite } from './token-site.ts';
import { mintGoogleTokens } from './tokens.ts';

export type FakeGoogleOptions = FakeVendorOptions;

/** The provider behind Gemini CLI. */
export type FakeGoogle = FakeVendor<GoogleState>;

export function createFakeGoogle(options: FakeGoogleOptions = {}): FakeGoogle {
  const traits = { accessLifetimeSeconds: 3600, rotates: false, mint: mintGoogleTokens };
  const core = createVendorCore(options, { ...traits, apiKeyPrefix: 'AIza' });
  const { signIn, afterSignIn } = createSignInSites(core);
  return {
    sites: {
      'aistudio.google.com': createKeySite(core.apiKey),
      'accounts.google.com': signIn,
      'codeassist.google.com': afterSignIn,
      'developers.google.com': afterSignIn,
      'oauth2.googleapis.com': createTokenSite(core),
      'www.googleapis.com': createUserInfoSite(core),
      'cloudcode-pa.googleapis.com': createCodeAssistSite(core),
      'generativelanguage.googleapis.com': createGenerativeLanguageSite(core),
    },
    control: { setFaults: core.switches.change, state: core.state },
    canary: core.canaries.token,
    codeCanary: core.canaries.code,
    state: core.state,
  };
}
