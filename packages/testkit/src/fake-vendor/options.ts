import type { Clock } from '@sallyport/core';

import type { Controllable, Site } from '../fake-internet/site.ts';

/** What every fake vendor can be made with. */
export interface FakeVendorOptions {
  /** Put as it is into every token, so that a search for it finds any token that leaked. Default: random. */
  readonly canary?: string;
  /** The same for authorization codes, which the user may see. Default: random. */
  readonly codeCanary?: string;
  /** Keeps logins alive across restarts of the fake. Holds digests, never tokens. Default: nothing is kept. */
  readonly stateFile?: string;
  /** Pause between the words of an answer. Default: 20 ms. */
  readonly wordDelayMs?: number;
  readonly clock?: Clock;
}

/** The provider behind a CLI: its identity provider and its model API, for `createFakeInternet`. */
export interface FakeVendor<State> {
  readonly sites: Readonly<Record<string, Site>>;
  /** For the control socket: switches for this vendor's faults, and {@link FakeVendor.state}. */
  readonly control: Controllable;
  readonly canary: string;
  readonly codeCanary: string;
  state(): State;
}
