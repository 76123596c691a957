/** `service` acts for every user; `admin` may also read what concerns the whole server. */
export type ApiKeyRole = 'service' | 'admin';

export interface ApiKeyRecord {
  /** 16 hexadecimal digits; part of the key, and no secret. */
  readonly keyId: string;
  /** What the operator calls it. */
  readonly name: string;
  readonly role: ApiKeyRole;
  /** SHA-256 of the secret part, in hexadecimal digits. The secret is 256 random bits, so a slow hash would add nothing. */
  readonly sha256: string;
  readonly createdAt: Date;
  /** To within {@link API_KEY_USE_NOTED_MS}; `null` before the first use. */
  readonly lastUsedAt: Date | null;
  /** `null` while it is valid. */
  readonly revokedAt: Date | null;
}

/** A key in steady use is noted as used this often. */
export const API_KEY_USE_NOTED_MS = 60 * 60_000;

/** The API keys of this deployment. Only their digests are kept. */
export interface ApiKeyStore {
  /** Throws `STORE_CONFLICT` if the id is taken. */
  create(key: Pick<ApiKeyRecord, 'keyId' | 'name' | 'role' | 'sha256'>): Promise<ApiKeyRecord>;
  get(keyId: string): Promise<ApiKeyRecord | undefined>;
  /** Oldest first, including revoked ones. */
  list(): Promise<readonly ApiKeyRecord[]>;
  /** Notes that the key was used now. */
  noteUse(keyId: string): Promise<void>;
  /** Returns false if there is no such key, or it was revoked before. */
  revoke(keyId: string): Promise<boolean>;
}
