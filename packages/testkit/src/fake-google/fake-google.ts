import { randomBytes } from 'node:crypto';

import { type Clock, SallyportError, systemClock } from '@sallyport/core';

import type { Controllable, Site } from '../fake-internet/site.ts';
import { createLoginDesk } from '../fake-openai/login/login-desk.ts';
import { createAuthorizationCodes } from '../fake-openai/tokens/authorization-codes.ts';
import { createCodeAssistSite, createUserInfoSite } from './code-assist-site.ts';
import { createGoogleFaults } from './faults.ts';
import { afterSignInSite, createSignInSite } from './sign-in-site.ts';
import { type GoogleState, googleStateSchema } from './state.ts';
import { createTokenLedger } from './token-ledger.ts';
import { createTokenSite } from './token-site.ts';

export interface FakeGoogleOptions {
  /** Put as it is into every token, so that a search for it finds any token that leaked. Default: random. */
  readonly canary?: string;
  /** The same for authorization codes, which the person may see. Default: none. */
  readonly codeCanary?: string;
  /** Keeps logins alive across restarts of the fake. Holds digests, never tokens. Default: nothing is kept. */
  readonly stateFile?: string;
  /** Pause between the words of an answer. Default: 20 ms. */
  readonly wordDelayMs?: number;
  readonly clock?: Clock;
}

/** The provider behind Gemini CLI: its identity provider and its model API, for `createFakeInternet`. */
export interface FakeGoogle {
  readonly sites: Readonly<Record<string, Site>>;
  readonly control: Controllable;
  readonly canary: string;
  state(): GoogleState;
}

export function createFakeGoogle(options: FakeGoogleOptions = {}): FakeGoogle {
  const { clock = systemClock, canary = `canary${randomBytes(9).toString('hex')}`, codeCanary = '' } = options;
  if (!/^[A-Za-z0-9_-]{8,64}$/.test(canary)) {
    throw new SallyportError('CONFIG_INVALID', 'The canary must be 8 to 64 letters, digits, _ or -.');
  }
  const switches = createGoogleFaults();
  const faults = switches.current;
  const ledger = createTokenLedger({ canary, clock, faults, stateFile: options.stateFile });
  const desk = createLoginDesk();
  const codes = createAuthorizationCodes(clock, codeCanary);
  const state = (): GoogleState =>
    googleStateSchema.parse({
      faults: faults(),
      logins: desk.all().map(({ purpose, ...login }) => ({ ...login, kind: purpose.kind })),
      families: ledger.families(),
    });

  return {
    sites: {
      'accounts.google.com': createSignInSite({ desk, codes, faults }),
      'codeassist.google.com': afterSignInSite,
      'developers.google.com': afterSignInSite,
      'oauth2.googleapis.com': createTokenSite({ codes, ledger, faults }),
      'www.googleapis.com': createUserInfoSite({ ledger }),
      'cloudcode-pa.googleapis.com': createCodeAssistSite({
        ledger,
        faults,
        clock,
        wordDelayMs: options.wordDelayMs ?? 20,
      }),
    },
    control: { setFaults: switches.change, state },
    canary,
    state,
  };
}
