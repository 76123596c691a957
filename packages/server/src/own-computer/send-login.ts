import { createSallyport, SallyportError as ClientError } from '@sallyport/client';
import { legible, SallyportError } from '@sallyport/core';
import { isLoopback } from '@sallyport/core/driver';
import { importedSchema } from '@sallyport/core/protocol';
import type { CredentialFiles } from '@sallyport/core/provider';
import { InvalidArgumentError } from 'commander';

/** The server that a login is sent to. */
export interface Destination {
  readonly baseUrl: string;
  /** Undefined for a server that serves its operator alone. */
  readonly token: string | undefined;
  readonly userId: string | undefined;
}

interface SentLogin {
  readonly provider: string;
  readonly files: CredentialFiles;
  readonly replace: boolean | undefined;
}

/**
 * Stores a login on a server. A redirect is an error: it would take the login to another server, or out of TLS. Throws
 * `CREDENTIAL_REFUSED` with what the server says, or with why it cannot be reached.
 */
export async function sendLogin(
  { provider, files, replace = false }: SentLogin,
  { baseUrl, token, userId }: Destination,
): Promise<{ readonly version: number }> {
  const client = createSallyport({
    baseUrl,
    ...(token !== undefined && { token }),
    ...(userId !== undefined && { userId }),
    fetch: (url, init) => fetch(url, { ...init, redirect: 'error' }),
  });
  try {
    return importedSchema.parse(await client.importCredential(provider, { files, replace }));
  } catch (cause) {
    if (cause instanceof ClientError) {
      throw new SallyportError('CREDENTIAL_REFUSED', `Nothing was stored: ${legible(cause.message)}`, {
        hint: hintOf(cause, token),
      });
    }
    throw new SallyportError('CREDENTIAL_REFUSED', `${baseUrl} did not answer as a Sallyport server does.`, {
      hint: 'Check the address. Whether the login was stored is not known.',
      cause,
    });
  }
}

function hintOf({ status, hint }: ClientError, token: string | undefined): string {
  if (status === 401 && token === undefined) {
    return 'This server wants to know who you are: give a token by --token-file or SALLYPORT_TOKEN.';
  }
  return legible(hint);
}

/** The address of a server, for commander. Without TLS only on this computer, where no one is on the way. */
export function parseServerUrl(given: string): string {
  const url = URL.parse(given);
  if (url === null || !['https:', 'http:'].includes(url.protocol)) {
    throw new InvalidArgumentError('It must be a URL such as https://connect.example.com.');
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'))) {
    throw new InvalidArgumentError('It must be https: a login is not sent in the clear.');
  }
  if (`${url.origin}/` !== url.href) {
    throw new InvalidArgumentError('It must be a scheme, a host and a port, without a path, a user or a query.');
  }
  return url.origin;
}
