import type { Secret } from '../base/secret.ts';

/** What a sealed record belongs to. Part of the authenticated data, so a row cannot be moved or rolled back. */
export interface SealBinding {
  readonly recordId: string;
  readonly userId: string;
  readonly provider: string;
  readonly version: number;
}

/** A sealed bundle, as the columns of `provider_credentials`. */
export interface Sealed {
  /** AES-256-GCM of the padded bundle under a random data key. */
  readonly ciphertext: Uint8Array;
  /** Base64, 12 bytes. */
  readonly iv: string;
  /** Base64, 16 bytes. */
  readonly tag: string;
  /** Base64, 32 bytes; `null` where an outside key service wraps the data key. */
  readonly salt: string | null;
  /** The data key, wrapped. Holds its own iv and tag. */
  readonly wrappedKey: Uint8Array;
  readonly keyId: string;
}

/** Seals credentials. One is chosen per deployment: a local master key, a KMS, Vault. */
export interface KeyRing {
  seal(plain: Secret<Uint8Array>, binding: SealBinding): Promise<Sealed>;
  /** Throws `CREDENTIAL_UNREADABLE`, the same error for every reason. */
  open(sealed: Sealed, binding: SealBinding): Promise<Secret<Uint8Array>>;
  /** Wraps the data key again under the current master key; the data is not touched. */
  rewrap(sealed: Sealed, binding: SealBinding): Promise<Sealed>;
}
