import { Client } from 'pg';
import type { ClientConfig } from 'pg';

import { SallyportError } from '@sallyport/core';

import { explainConnectionError } from './connection-error.ts';

/** Opens one connection. Throws what {@link explainConnectionError} says, or `CONFIG_INVALID` for a URL that cannot be used. */
export async function connect(config: ClientConfig): Promise<Client> {
  const client = createClient({ connectionTimeoutMillis: 5_000, ...config });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    const { host, port, database, user } = client;
    throw explainConnectionError(error, { host, port, database, user });
  }
}

/** Making a client reads the URL, and the files of certificates that it names. */
function createClient(config: ClientConfig): Client {
  try {
    return new Client(config);
  } catch (cause) {
    const file = cause instanceof Error && 'path' in cause ? String(cause.path) : undefined;
    throw new SallyportError(
      'CONFIG_INVALID',
      file === undefined
        ? 'DATABASE_URL cannot be read: a character in it is not percent-encoded.'
        : `DATABASE_URL names the file ${file}, which cannot be read.`,
      {
        hint:
          file === undefined
            ? 'Write special characters of the user and the password percent-encoded: % as %25, @ as %40, / as %2F.'
            : 'Correct sslrootcert, sslcert or sslkey in DATABASE_URL.',
        cause,
      },
    );
  }
}
