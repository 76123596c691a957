import type { CredentialStore } from '@sallyport/core/store';

import { toCredentialRecord } from './credential-record.ts';
import type { StoreDatabase } from './database.ts';

/** What keeps logins alive and warns of their end: it looks at everybody's credentials. */
export function createUpkeep(
  database: StoreDatabase,
): Pick<CredentialStore, 'setVerified' | 'endingBefore' | 'noteWarning'> {
  return {
    setVerified: async (userId, provider, machineId) => {
      await database.write('set_credential_verified', {
        p_user_id: userId,
        p_provider: provider,
        p_vm_id: machineId,
      });
    },
    endingBefore: async (time) => {
      const rows = await database.read('list_credentials_ending', { p_before: time });
      return (rows ?? []).map(toCredentialRecord);
    },
    noteWarning: async (userId, provider, loginExpiresAt) => {
      const noted = await database.write('note_credential_warning', {
        p_user_id: userId,
        p_provider: provider,
        p_login_expires_at: Math.round(loginExpiresAt),
      });
      return noted ?? false;
    },
  };
}
