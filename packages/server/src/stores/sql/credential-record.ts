import type { CredentialRecord } from '@sallyport/core/store';

import type { Row } from './database.ts';
import { bytesFrom, dateFrom } from './json.ts';

/** A row of `provider_credentials` as the rest of the program knows it. */
export function toCredentialRecord(row: Row<'provider_credentials'>): CredentialRecord {
  return {
    credentialId: row.credential_id,
    userId: row.user_id,
    provider: row.provider,
    version: row.version,
    sha256: row.sha256,
    facts: row.facts,
    sealed: {
      ciphertext: bytesFrom(row.encrypted_credentials),
      iv: row.encryption_iv,
      tag: row.encryption_tag,
      salt: row.encryption_salt,
      wrappedKey: bytesFrom(row.wrapped_key),
      keyId: row.key_id,
    },
    valid: row.valid,
    invalidReason: row.valid ? null : (row.invalid_reason ?? 'refused'),
    lastVerified: row.last_verified === null ? null : dateFrom(row.last_verified),
    createdAt: dateFrom(row.created_at),
    updatedAt: dateFrom(row.updated_at),
  };
}
