import { type Clock, systemClock } from '@sallyport/core';

import { chooseCanary } from './canary.ts';
import { createVendorFaults, type VendorFaults, type VendorFaultSwitches } from './faults.ts';
import type { FakeVendorOptions } from './options.ts';
import { createLoginDesk, type LoginDesk } from './sign-in/login-desk.ts';
import { vendorStateSchema, type VendorState } from './state.ts';
import { type AuthorizationCodes, createAuthorizationCodes } from './tokens/authorization-codes.ts';
import { createTokenLedger, type Mint, type TokenLedger } from './tokens/token-ledger.ts';

/** What every fake vendor consists of; its sites are built from this. */
export interface VendorCore<Tokens> {
  readonly clock: Clock;
  readonly wordDelayMs: number;
  readonly canaries: VendorState['canaries'];
  /** Is accepted in place of a login. */
  readonly apiKey: string;
  readonly switches: VendorFaultSwitches;
  readonly faults: () => VendorFaults;
  readonly ledger: TokenLedger<Tokens>;
  readonly desk: LoginDesk;
  readonly codes: AuthorizationCodes;
  readonly state: () => VendorState;
}

export interface VendorTraits<Tokens> {
  readonly accessLifetimeSeconds: number;
  /** Whether a refresh token is good for one refresh only. */
  readonly rotates: boolean;
  readonly mint: (mint: Mint) => Tokens;
  /** How its API keys begin. */
  readonly apiKeyPrefix: string;
}

export function createVendorCore<Tokens>(options: FakeVendorOptions, traits: VendorTraits<Tokens>): VendorCore<Tokens> {
  const { clock = systemClock, stateFile, wordDelayMs = 20 } = options;
  const { accessLifetimeSeconds, apiKeyPrefix, rotates, mint } = traits;
  const canaries = { token: chooseCanary(options.canary), code: chooseCanary(options.codeCanary) };
  const apiKey = `${apiKeyPrefix}practice-key-${canaries.token}`;
  const switches = createVendorFaults({ accessLifetimeSeconds });
  const faults = switches.current;
  const ledger = createTokenLedger({ canary: canaries.token, clock, faults, stateFile, rotates, mint });
  const desk = createLoginDesk();
  const codes = createAuthorizationCodes(clock, canaries.code);
  const state = (): VendorState =>
    vendorStateSchema.parse({
      canaries,
      apiKey,
      faults: faults(),
      logins: desk.all().map(({ purpose, ...login }) => ({ ...login, kind: purpose.kind })),
      families: ledger.families(),
    });
  return { clock, wordDelayMs, canaries, apiKey, switches, faults, ledger, desk, codes, state };
}
