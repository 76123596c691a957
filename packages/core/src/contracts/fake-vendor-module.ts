import type { Clock } from '../base/clock.ts';
import type { Egress } from './egress.ts';

/**
 * Fake vendors, each with a user who has an account. `sallyport providers verify` logs in to them with the real CLIs.
 * Modules named in the configuration export one as `fakeVendors`.
 */
export interface FakeVendorModule {
  /** Ids of the providers whose vendor this module fakes. */
  readonly providers: readonly string[];
  /** Starts the vendor for one provider. */
  open(options: FakeVendorModuleOptions): Promise<RunningFakeVendor>;
}

export interface FakeVendorModuleOptions {
  readonly provider: string;
  /** For sockets and certificates. Created if absent. */
  readonly directory: string;
  readonly clock: Clock;
}

/** A running vendor, and the user who signs in to it. */
export interface RunningFakeVendor {
  /** The machines' egress. It answers for the vendor's hosts. */
  readonly egress: Egress;
  /** Walks through the vendor's pages and approves the sign-in. */
  signIn(shown: { readonly url: string; readonly userCode: string | undefined }): Promise<FakeVendorSignIn>;
  /** Answers a question that needs no page, such as one for an API key. */
  answer(promptId: string): Promise<string | undefined>;
  /** Rejects every access token issued so far. */
  endAccessTokens(): Promise<void>;
  /** The tokens of the most recent login, or `undefined` if there was none. */
  lastLogin(): Promise<FakeVendorLogin | undefined>;
  close(): Promise<void>;
}

/** The result of a sign-in. */
export interface FakeVendorSignIn {
  /** The CLI's loopback URL that the browser was redirected to, with the response in its parameters. */
  readonly callback: URL | undefined;
  /** The code that the last page shows for copying. */
  readonly code: string | undefined;
}

export interface FakeVendorLogin {
  /** How often the tokens were refreshed. */
  readonly refreshes: number;
  /** Why the vendor no longer accepts them, or `null` while it does. */
  readonly revokedBecause: string | null;
}
