import { SallyportError } from '@sallyport/core';
import { type CredentialStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';
import { isUuid } from './json.ts';

/** Which machine holds a credential. */
export function createLeases(database: StoreDatabase): Pick<CredentialStore, 'lease' | 'release' | 'holder'> {
  return {
    holder: async (userId, provider) => {
      if (!isUuid(userId)) return undefined;
      const rows = await database.read('get_credential_lease', { p_user_id: userId, p_provider: provider });
      const row = rows?.[0];
      return row && { machineId: row.vm_id, ...(row.disk_nonce !== null && { diskNonce: row.disk_nonce }) };
    },
    lease: async (userId, provider, { machineId, diskNonce = null }) => {
      const rows = await database.write('lease_credential', {
        p_user_id: userId,
        p_provider: provider,
        p_vm_id: machineId,
        p_disk_nonce: diskNonce,
      });
      const holder = rows?.[0]?.vm_id;
      if (holder === machineId) return;
      if (holder === undefined) {
        throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `There is no ${provider} credential to lease.`);
      }
      throw new SallyportError('CREDENTIAL_LEASED', `Another machine holds the ${provider} credential.`, {
        details: { provider, machineId: holder },
      });
    },
    release: async (userId, provider, machineId) => {
      await database.write('release_credential', {
        p_user_id: userId,
        p_provider: provider,
        p_vm_id: machineId,
      });
    },
  };
}
