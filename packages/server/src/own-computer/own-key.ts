import { SallyportError } from '@sallyport/core';
import { matchText } from '@sallyport/core/provider';
import type { CredentialEnvironmentItem, CredentialFiles, ProviderManifest } from '@sallyport/core/provider';

/**
 * A key or token as the part of a credential that it is. Where a provider takes several, its shape says which. Throws
 * `CREDENTIAL_MALFORMED`, which never quotes it.
 */
export function placeOwnKey({ title, credentials }: ProviderManifest, key: string): CredentialFiles {
  const value = key.trim();
  const items = credentials.flatMap((item) => (item.as === 'environment' && item.manualEntry ? [item] : []));
  const [first, ...others] = items;
  if (first === undefined) {
    throw malformed(`${title} takes no key.`, 'Leave --key-file out to import the login of its CLI.');
  }
  const item = others.length === 0 ? first : items.find((candidate) => hasShape(candidate, value));
  if (item) return { [item.id]: value };
  const examples = items.flatMap(({ manualEntry }) =>
    manualEntry ? [`${manualEntry.label}: ${manualEntry.example}`] : [],
  );
  throw malformed(`That does not look like a key of ${title}.`, `It takes ${examples.join('; ')}`);
}

function hasShape({ manualEntry }: CredentialEnvironmentItem, value: string): boolean {
  return manualEntry !== undefined && matchText(manualEntry.shape, value) !== undefined;
}

function malformed(message: string, hint: string): SallyportError {
  return new SallyportError('CREDENTIAL_MALFORMED', message, { hint });
}
