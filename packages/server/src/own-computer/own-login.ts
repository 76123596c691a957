import { SallyportError } from '@sallyport/core';
import { loginPart } from '@sallyport/core/engine';
import type { CredentialFileItem, CredentialFiles, ProviderManifest } from '@sallyport/core/provider';

import { readHomeFile } from './home-file.ts';
import { readKeychain } from './keychain.ts';
import type { OwnComputer } from './own-computer.ts';

/** The login of a CLI on a user's own computer. */
export interface OwnLogin {
  readonly files: CredentialFiles;
  /** Where each file was, for users: a path, or an item of the Keychain. */
  readonly places: readonly string[];
  /** Whether its CLI replaces the tokens, so that of two copies only one goes on working. */
  readonly rotates: boolean;
}

/** How long a user has to allow access to the Keychain. */
const KEYCHAIN_TIMEOUT_MS = 120_000;

/** The items that are looked for: files without which a login is not complete. Other settings stay where they are. */
export function ownItems({ credentials }: Pick<ProviderManifest, 'credentials'>): readonly CredentialFileItem[] {
  return credentials.filter(
    (item): item is CredentialFileItem => item.as === 'file' && (item.role === 'secret' || item.require.length > 0),
  );
}

/**
 * Reads the login that a provider's CLI keeps on this computer, and of its files only what belongs to the login. Throws
 * `CREDENTIAL_NOT_CONNECTED`, with every place where something is missing.
 */
export async function readOwnLogin(manifest: ProviderManifest, computer: OwnComputer): Promise<OwnLogin> {
  const items = ownItems(manifest);
  const read: { readonly item: CredentialFileItem; readonly place: string; readonly text: string | undefined }[] = [];
  // In turn: a Mac asks its user about one item of the Keychain at a time.
  for (const item of items) read.push({ item, ...(await readItem(item, computer)) });
  const missing = read.filter(({ text }) => text === undefined).map(({ place }) => place);
  if (missing.length > 0) throw notLoggedIn(manifest, missing);
  return {
    files: Object.fromEntries(read.map(({ item, text = '' }) => [item.id, loginPart(item, text)])),
    places: read.map(({ place }) => place),
    rotates: items.some(({ rotates }) => rotates),
  };
}

async function readItem(
  { paths }: CredentialFileItem,
  { platform, home, userName, security }: OwnComputer,
): Promise<{ readonly place: string; readonly text: string | undefined }> {
  const where = paths[platform] ?? paths.cli;
  if (typeof where === 'string') return { place: where, text: await readHomeFile(where, home) };
  const { service, account = userName } = where.keychain;
  const text = await readKeychain({ service, account }, { security, timeoutMs: KEYCHAIN_TIMEOUT_MS });
  return { place: `the Keychain item "${service}" of the account "${account}"`, text };
}

function notLoggedIn({ title, cli }: ProviderManifest, places: readonly string[]): SallyportError {
  const how = cli.loginCommand === undefined ? `with its CLI (${cli.package})` : `with \`${cli.loginCommand}\``;
  return new SallyportError(
    'CREDENTIAL_NOT_CONNECTED',
    `No login of ${title} was found on this computer: ${places.join(' and ')} ${places.length === 1 ? 'does' : 'do'} not exist.`,
    { hint: `Log in ${how} first, and run this again. Or log in on the page of the server.` },
  );
}
