import { SallyportError, type CredentialStore } from '@sallyport/core';

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
        .select('vm_id')
        .where('user_id', '=', userId)
        .where('provider', '=', provider)
        .executeTakeFirst(),
    );
    return row && { machineId: row.vm_id };
  };

  /** False when another machine holds it. */
  const take = (userId: string, provider: string, machineId: string): Promise<boolean> =>
    database.run(async (tables) => {
      try {
        const taken = await tables
          .insertInto('provider_credential_leases')
          .values({ user_id: userId, provider, vm_id: machineId })
          .onConflict((conflict) =>
            conflict
              .columns(['user_id', 'provider'])
              .doUpdateSet({ vm_id: machineId })
              .where('provider_credential_leases.vm_id', '=', machineId),
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
    lease: async (userId, provider, machineId) => {
      if (await take(userId, provider, machineId)) return;
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
