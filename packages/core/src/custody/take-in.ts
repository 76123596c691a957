import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { OfferOutcome } from '../credentials/ledger.ts';
import { storeCredential } from '../runtime/store-credential.ts';
import type { CustodyParts } from './parts.ts';

/** Offers a new version to the ledger and records it as the machine's current version. */
export async function takeIn(
  parts: CustodyParts,
  found: {
    readonly userId: string;
    readonly provider: string;
    readonly machineId: string;
    readonly files: CredentialFiles;
    readonly reason: 'rotation' | 'harvest';
  },
): Promise<OfferOutcome> {
  const { userId, provider, machineId } = found;
  const context = { userId, provider, sessionId: undefined, signal: parts.closing };
  const verdict = await storeCredential(parts, {
    ...found,
    beforeStore: (summary) => parts.hooks.credentialCaptured(summary, context),
  });
  if (verdict.outcome === 'refused') return verdict;
  // Record a duplicate too: the server may have ended between the ledger's commit and this record.
  await parts.store.machines.noteInjected(machineId, provider, verdict.version, { byHolder: true });
  if (verdict.outcome === 'duplicate') return verdict;
  if (verdict.objection !== undefined)
    parts.reportBackground(`a plugin's objection to a ${provider} rotation`, verdict.objection);
  return verdict;
}
