import type { Clock } from '../base/clock.ts';
import type { Egress } from './egress.ts';

/**
 * Fake vendors that CLIs take for the real ones, and a user who has an account with each: what
 * `sallyport providers verify` logs in to. Modules named in the configuration export one as `fakeVendors`.
 */
export interface FakeVendorModule {
  /** Ids of the providers whose vendor is here. */
  readonly providers: readonly string[];
  /** Starts the vendor of one provider. */
  open(options: FakeVendorModuleOptions): Promise<RunningFakeVendor>;
}

export interface FakeVendorModuleOptions {
  readonly provider: string;
  /** For sockets and certificates. Made when absent. */
  readonly directory: string;
  readonly clock: Clock;
}

/** One vendor, and the user who signs in to it. */
export interface RunningFakeVendor {
  /** The machines' egress: it answers for the vendor's hosts itself. */
  readonly egress: Egress;
  /** Goes through the vendor's pages and agrees. */
  signIn(shown: { readonly url: string; readonly userCode: string | undefined }): Promise<FakeVendorSignIn>;
  /** What the user has at hand without any page, such as an API key. */
  answer(promptId: string): Promise<string | undefined>;
  /** From now on no access token that was given out before is taken. */
  endAccessTokens(): Promise<void>;
  /** The tokens of the login that was made last; `undefined` where nobody has logged in. */
  lastLogin(): Promise<FakeVendorLogin | undefined>;
  close(): Promise<void>;
}

/** Where the pages have led. */
export interface FakeVendorSignIn {
  /** The loopback address of the CLI that the browser was sent to, with the answer in its parameters. */
  readonly callback: URL | undefined;
  /** What the last page shows to be copied. */
  readonly code: string | undefined;
}

export interface FakeVendorLogin {
  /** How often its tokens were refreshed. */
  readonly refreshes: number;
  /** Why the vendor no longer takes them; `null` while it does. */
  readonly revokedBecause: string | null;
}
