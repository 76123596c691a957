/**
 * The contents of a credential: maps an item id of the manifest to the text of the file or the value of the variable.
 */
export type CredentialFiles = Readonly<Record<string, string>>;

/** A file to write to, or read from, a machine's disk. The path starts with `~/`. */
export interface PlacedFile {
  readonly path: string;
  readonly content: string;
  /** Permission bits, such as 0o600. */
  readonly mode: number;
}

/** Facts about a credential. They never contain a secret: they are shown, logged and passed to plugins. */
export interface CredentialFacts {
  /** The account that is logged in, such as an email address. */
  readonly account?: string;
  /** `plan` for a subscription, `api-key` for a metered key. */
  readonly kind: 'plan' | 'api-key';
  /** Milliseconds since the epoch. */
  readonly issuedAt?: number;
  /** When the access token expires. The CLI refreshes it. */
  readonly accessExpiresAt?: number;
  /** When the user has to log in again. */
  readonly loginExpiresAt?: number;
  /** True for the stub that some CLIs leave behind after a refused refresh. */
  readonly blank: boolean;
  /** A digest that identifies a refresh token without revealing it. */
  readonly lineage?: string;
  /** False for a key or token that never rotates, so that an old copy is harmless. Set by the ledger. */
  readonly rotates?: false;
}

/** Why a stored credential is no longer used. The user always has to log in again. */
export type InvalidReason =
  /** The provider no longer accepts it. */
  | 'refused'
  /** The machine that used it is gone or lost the newest version. The stored refresh token may already be spent. */
  | 'lost'
  /** The store was restored from a backup and has an older version than the one that was used last. */
  | 'rolled-back';

/** One sentence each, for the user. */
export const invalidReasons: Readonly<Record<InvalidReason, string>> = {
  refused: 'The provider no longer accepts this login.',
  lost: 'The newest version of this login was lost with the machine that used it.',
  'rolled-back': 'The login was refreshed after the backup that the database was restored from.',
};
