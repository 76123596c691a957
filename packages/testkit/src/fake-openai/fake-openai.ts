import { randomBytes } from 'node:crypto';

import { type Clock, SallyportError, systemClock } from '@sallyport/core';

import type { Controllable, Site } from '../fake-internet/site.ts';
import { createAuthorizationCodes } from './tokens/authorization-codes.ts';
import { createDeviceAuthorizations } from './login/device-authorizations.ts';
import { createOpenaiFaults } from './faults.ts';
import { createIdentityProvider } from './login/identity-provider.ts';
import { createLoginDesk } from './login/login-desk.ts';
import { createModelApi } from './model/model-api.ts';
import { openaiStateSchema, type OpenaiState } from './state.ts';
import { createTokenLedger } from './tokens/token-ledger.ts';

export interface FakeOpenaiOptions {
  /** Put as it is into every token, so that a search for it finds any token that leaked. Default: random. */
  readonly canary?: string;
  /** Keeps logins alive across restarts of the fake. Holds digests, never tokens. Default: nothing is kept. */
  readonly stateFile?: string;
  /** Pause between the words of an answer. Default: 20 ms. */
  readonly wordDelayMs?: number;
  readonly clock?: Clock;
}

/** The provider behind the Codex CLI: its identity provider and its model API, for `createFakeInternet`. */
export interface FakeOpenai {
  readonly sites: Readonly<Record<string, Site>>;
  readonly control: Controllable;
  readonly canary: string;
  /** The same for authorization codes. */
  readonly codeCanary: string;
  state(): OpenaiState;
}

export function createFakeOpenai(options: FakeOpenaiOptions = {}): FakeOpenai {
  const { clock = systemClock, canary = `canary${randomBytes(9).toString('hex')}` } = options;
  if (!/^[A-Za-z0-9_-]{8,64}$/.test(canary)) {
    throw new SallyportError('CONFIG_INVALID', 'The canary must be 8 to 64 letters, digits, _ or -.');
  }
  const switches = createOpenaiFaults();
  const faults = switches.current;
  const ledger = createTokenLedger({ canary, clock, faults, stateFile: options.stateFile });
  const desk = createLoginDesk();
  const codeCanary = `canary${randomBytes(9).toString('hex')}`;
  const codes = createAuthorizationCodes(clock, codeCanary);
  const devices = createDeviceAuthorizations(clock);
  const modelApi = createModelApi({ ledger, switches, clock, wordDelayMs: options.wordDelayMs ?? 20 });

  const state = (): OpenaiState =>
    openaiStateSchema.parse({
      canaries: { token: canary, code: codeCanary },
      faults: faults(),
      logins: desk.all().map(({ purpose, ...login }) => ({ ...login, kind: purpose.kind })),
      devices: devices.all(),
      families: ledger.families(),
    });

  return {
    sites: {
      'auth.openai.com': createIdentityProvider({ desk, codes, devices, ledger, faults }),
      'chatgpt.com': modelApi,
      'api.openai.com': modelApi,
    },
    control: { setFaults: switches.change, state },
    canary,
    codeCanary,
    state,
  };
}
