import { SallyportError } from '@sallyport/core';
import { storableJson } from '@sallyport/core/store';
import type { CredentialRecord, CredentialStore, NewAuditEntry, NewCredentialVersion } from '@sallyport/core/store';

import { auditArgument } from './audit-argument.ts';
import { toCredentialRecord } from './credential-record.ts';
import { createRewraps } from './credential-rewraps.ts';
import { createUpkeep } from './credential-upkeep.ts';
import type { StoreDatabase } from './database.ts';
import { hexFrom, isUuid } from './json.ts';
import { createLeases } from './leases.ts';

export function createCredentialStore(database: StoreDatabase): CredentialStore {
  return {
    ...createLeases(database),
    ...createUpkeep(database),
    ...createRewraps(database),
    current: async (userId, provider) => {
      if (!isUuid(userId)) return undefined;
      const rows = await database.read('get_credential', { p_user_id: userId, p_provider: provider });
      return rows?.map(toCredentialRecord)[0];
    },
    list: async (userId) => {
      if (!isUuid(userId)) return [];
      const rows = await database.read('list_credentials', { p_user_id: userId });
      return (rows ?? []).map(toCredentialRecord);
    },
    append: (version, expectedVersion, audit) => append(database, version, { expectedVersion, audit }),
    seen: async (userId, provider, sha256) => {
      if (!isUuid(userId)) return undefined;
      const seen = await database.read('seen_credential', {
        p_user_id: userId,
        p_provider: provider,
        p_sha256: sha256,
      });
      return seen ?? undefined;
    },
    seenLineage: async (userId, provider, lineage) => {
      if (!isUuid(userId)) return undefined;
      const seen = await database.read('seen_credential_lineage', {
        p_user_id: userId,
        p_provider: provider,
        p_lineage: lineage,
      });
      return seen ?? undefined;
    },
    setValid: async (userId, provider, valid, reason = 'refused', audit) => {
      await database.write('set_credential_valid', {
        p_user_id: userId,
        p_provider: provider,
        p_valid: valid,
        p_reason: reason,
        ...auditArgument(audit),
      });
    },
    erase: async (userId, provider, audit) => {
      await database.write('erase_credential', {
        p_user_id: userId,
        p_provider: provider,
        ...auditArgument(audit),
      });
    },
  };
}

async function append(
  database: StoreDatabase,
  version: NewCredentialVersion,
  { expectedVersion, audit }: { readonly expectedVersion: number; readonly audit: NewAuditEntry | undefined },
): Promise<CredentialRecord> {
  const { provider, sealed, valid = true, verified = false } = version;
  const rows = await database.write('append_credential', {
    p_expected_version: expectedVersion,
    p_credential_id: version.credentialId,
    p_user_id: version.userId,
    p_provider: provider,
    p_sha256: version.sha256,
    p_facts: storableJson(version.facts),
    p_encrypted_credentials: hexFrom(sealed.ciphertext),
    p_encryption_iv: sealed.iv,
    p_encryption_tag: sealed.tag,
    p_encryption_salt: sealed.salt,
    p_wrapped_key: hexFrom(sealed.wrappedKey),
    p_key_id: sealed.keyId,
    p_valid: valid,
    p_verified: verified,
    ...auditArgument(audit),
  });
  const stored = rows?.[0];
  if (stored) return toCredentialRecord(stored);
  throw new SallyportError(
    'CREDENTIAL_STALE',
    `The stored credential for ${provider} is not version ${expectedVersion} any more.`,
    { details: { provider, expectedVersion } },
  );
}
