import { SallyportError, type CredentialHolder, type CredentialStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { brokenConstraint } from './database-error.ts';
import { isUuid } from './json.ts';

/** Which machine holds a credential: one row each, taken and given back in single statements. */
export function createLeases(database: Database): Pick<CredentialStore, 'lease' | 'release' | 'holder'> {
  const holder: CredentialStore['holder'] = async (userId, provider) => {
    if (!isUuid(userId)) return undefined;
    const row = await database.run((tables) =>
      tables
        .selectFrom('provider_credential_leases')
        .select(['vm_id', 'disk_nonce'])
        .where('user_id', '=', userId)
        .where('provider', '=', provider)
        .executeTakeFirst(),
    );
    return row && { machineId: row.vm_id, ...(row.disk_nonce !== null && { diskNonce: row.disk_nonce }) };
  };

  /** False when another machine holds it. */
  const take = (userId: string, provider: string, lease: CredentialHolder): Promise<boolean> =>
    database.run(async (tables) => {
      const held = { vm_id: lease.machineId, disk_nonce: lease.diskNonce ?? null };
      try {
        const taken = await tables
          .insertInto('provider_credential_leases')
          .values({ user_id: userId, provider, ...held })
          .onConflict((conflict) =>
            conflict
              .columns(['user_id', 'provider'])
              .doUpdateSet(held)
              .where('provider_credential_leases.vm_id', '=', lease.machineId),
          )
          .returning('vm_id')
          .executeTakeFirst();
        return taken !== undefined;
      } catch (error) {
        if (brokenConstraint(error) !== leasedCredential) throw error;
        throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `There is no ${provider} credential to lease.`);
      }
    });

  return {
    holder,
    lease: async (userId, provider, lease) => {
      if (await take(userId, provider, lease)) return;
      const other = await holder(userId, provider);
      throw new SallyportError('CREDENTIAL_LEASED', `Another machine holds the ${provider} credential.`, {
        details: { provider, machineId: other?.machineId ?? null },
      });
    },
    release: async (userId, provider, machineId) => {
      await database.run((tables) =>
        tables
          .deleteFrom('provider_credential_leases')
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .where('vm_id', '=', machineId)
          .execute(),
      );
    },
  };
}

/** As PostgreSQL names a foreign key that nobody named. */
const leasedCredential = 'provider_credential_leases_user_id_provider_fkey';
