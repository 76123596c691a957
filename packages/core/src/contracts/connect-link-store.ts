/**
 * One user's way to a page that does a single login. Secrets are kept as SHA-256, in hexadecimal digits: each has 256 random
 * bits, so a slow hash would add nothing.
 */
export interface ConnectLinkRecord {
  readonly linkId: string;
  /** Whose login it is, as the backend said. The browser that opens the link may belong to another user. */
  readonly userId: string;
  readonly externalId: string | null;
  /** `null`: the user chooses. */
  readonly provider: string | null;
  /** Whether the login may replace one of the other kind. */
  readonly replace: boolean;
  readonly returnUrl: string;
  /** The backend's own text, which comes back with the user. */
  readonly state: string | null;
  /** The last login that was started. Its credential is kept under this id until the backend claims it. */
  readonly sessionId: string | null;
  /** After this, nothing works any more. */
  readonly expiresAt: Date;
}

export interface NewConnectLink extends Omit<ConnectLinkRecord, 'sessionId' | 'expiresAt'> {
  readonly tokenSha256: string;
  readonly lifetimeMs: number;
}

/** Links that have expired or were spent are not found. Times are those of the store's clock. */
export interface ConnectLinkStore {
  create(link: NewConnectLink): Promise<ConnectLinkRecord>;
  /**
   * Binds the link to the browser that opens it first, and lets it live for at least `lifetimeMs` from now. `undefined` if the
   * link is unknown, or another browser has opened it.
   */
  open(tokenSha256: string, browserSha256: string, lifetimeMs: number): Promise<ConnectLinkRecord | undefined>;
  ofBrowser(browserSha256: string): Promise<ConnectLinkRecord | undefined>;
  /** Notes the next login, if the last one is still the expected one. Returns whether it was. */
  setSession(linkId: string, expected: string | null, sessionId: string): Promise<boolean>;
  /** The code that the user takes back to the backend; an earlier one counts no more. */
  setCode(linkId: string, codeSha256: string, lifetimeMs: number): Promise<boolean>;
  /** Spends the link, once. `undefined` if the code is unknown or has expired. */
  spend(codeSha256: string): Promise<ConnectLinkRecord | undefined>;
  /** Links of this user, or all that have expired or were spent, oldest first. What they hold is to be erased. */
  list(
    which: { readonly userId: string } | { readonly ended: true; readonly limit: number },
  ): Promise<readonly ConnectLinkRecord[]>;
  remove(linkId: string): Promise<void>;
}
