/** The contents of a credential: item id of the manifest → text of the file, or value of the variable. */
export type CredentialFiles = Readonly<Record<string, string>>;

/** A file to be put on, or read from, a machine's disk. The path starts with `~/`. */
export interface PlacedFile {
  readonly path: string;
  readonly content: string;
  /** Permission bits, for instance 0o600. */
  readonly mode: number;
}

/** What a credential says about itself. Never a secret: it is shown, logged and passed to plugins. */
export interface CredentialFacts {
  /** Who is logged in, for instance an email address. */
  readonly account?: string;
  /** `plan` for a subscription, `api-key` for a metered key. */
  readonly kind: 'plan' | 'api-key';
  /** Milliseconds since the epoch. */
  readonly issuedAt?: number;
  /** When the access token ends; the CLI refreshes it by itself. */
  readonly accessExpiresAt?: number;
  /** When the person has to log in again. */
  readonly loginExpiresAt?: number;
  /** True for the stub some CLIs leave behind after a refused refresh. */
  readonly blank: boolean;
  /** A digest (never the token) that tells two refresh tokens apart. */
  readonly lineage?: string;
}
