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
  /** When the user has to log in again. */
  readonly loginExpiresAt?: number;
  /** True for the stub some CLIs leave behind after a refused refresh. */
  readonly blank: boolean;
  /** A digest (never the token) that tells two refresh tokens apart. */
  readonly lineage?: string;
  /** False for a key or token that nothing ever replaces, so that an old copy does no harm. Set by the ledger. */
  readonly rotates?: false;
}

/** Why a stored login is not given out any more. The user has to log in again in every case. */
export type InvalidReason =
  /** The provider does not accept it any more, or its CLI has emptied it. */
  | 'refused'
  /** The machine that used it is gone, or lost its newest version. The stored one may have been used up. */
  | 'lost'
  /** The store has an older version than the one that was used last: it was restored from a backup. */
  | 'rolled-back';

/** For the user, one sentence each. */
export const invalidReasons: Readonly<Record<InvalidReason, string>> = {
  refused: 'The provider no longer accepts this login.',
  lost: 'The newest version of this login was lost with the machine that used it.',
  'rolled-back': 'The login was refreshed after the backup that the database was restored from.',
};
