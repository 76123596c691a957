import type { Examined } from '../credentials/examine.ts';
import type { CredentialStanding } from '../credentials/ledger.ts';

/**
 * Whether what lies on a disk is the stored version. A whole file with the same refresh token may have a newer access token,
 * or data that the CLI keeps beside the secret.
 */
export function isStoredVersion(
  { sha256, facts, missing }: Examined,
  standing: CredentialStanding | undefined,
): boolean {
  if (sha256 === standing?.sha256) return true;
  const isWhole = missing.length === 0 && !facts.blank && facts.kind === standing?.facts.kind;
  return isWhole && facts.lineage !== undefined && facts.lineage === standing?.facts.lineage;
}
