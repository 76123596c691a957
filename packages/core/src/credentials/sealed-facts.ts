import { canonicalJson } from '../base/canonical-json.ts';
import { storableJson } from '../base/storable.ts';
import type { CredentialFacts } from '../contracts/credential-files.ts';
import type { CredentialRecord } from '../contracts/store.ts';
import { secretSha256 } from './bundle.ts';
import type { Bundle } from './bundle.ts';
import { examine } from './examine.ts';
import type { LedgerProvider } from './examine.ts';

/**
 * Whether the hash and facts of a row are those of the credential sealed in it. Decisions are made by them before it is
 * opened, such as whether it was rolled back, and they stand in the database in the clear.
 */
export function isUnaltered(
  { sha256, facts }: Pick<CredentialRecord, 'sha256' | 'facts'>,
  { files, facts: sealed }: Bundle,
  provider: LedgerProvider,
): boolean {
  if (secretSha256(provider.manifest.credentials, files) !== sha256) return false;
  return sealed === undefined
    ? isPlausible(facts, examine(provider, files))
    : canonicalJson(storableJson(sealed)) === canonicalJson(storableJson(facts));
}

/**
 * Versions from before facts were sealed. A later release of the provider may read more from the files, or other times, so
 * only what decides about a refresh token counts.
 */
function isPlausible(stored: CredentialFacts, derived: ReturnType<typeof examine>): boolean {
  if (derived.missing.length > 0) return true;
  const { kind, lineage, rotates } = derived.facts;
  const isSameToken = stored.lineage === undefined || lineage === undefined || stored.lineage === lineage;
  return stored.kind === kind && isSameToken && (stored.rotates !== false || rotates === false);
}
