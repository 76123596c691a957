import type { Selectable } from 'kysely';

import type { CredentialRecord } from '@sallyport/core';

import type { Tables } from './tables.ts';

/** A row of `provider_credentials` as the rest of the program knows it. */
export function toCredentialRecord(row: Selectable<Tables['provider_credentials']>): CredentialRecord {
  return {
    credentialId: row.credential_id,
    userId: row.user_id,
    provider: row.provider,
    version: row.version,
    sha256: row.sha256,
    facts: row.facts,
    sealed: {
      ciphertext: row.encrypted_credentials,
      iv: row.encryption_iv,
      tag: row.encryption_tag,
      salt: row.encryption_salt,
      wrappedKey: row.wrapped_key,
      keyId: row.key_id,
    },
    valid: row.valid,
    invalidReason: row.valid ? null : (row.invalid_reason ?? 'refused'),
    lastVerified: row.last_verified,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
