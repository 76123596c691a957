import { Client, type ClientConfig } from 'pg';

import { toStoreError } from './postgres/database-error.ts';

/** Ids of the master keys that stored credentials are sealed under. */
export async function sealedKeyIds(connection: ClientConfig): Promise<readonly string[]> {
  const client = new Client({ connectionTimeoutMillis: 5_000, ...connection });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ key_id: string }>(
      'select distinct key_id from provider_credentials order by key_id',
    );
    return rows.map((row) => row.key_id);
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
