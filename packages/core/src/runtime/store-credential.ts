import type { CredentialOffer, OfferOutcome } from '../credentials/ledger.ts';
import type { EventNote, Runtime } from './runtime.ts';

/** Offers a credential to the ledger. If it is stored, plugins and the audit log are told. */
export async function storeCredential(
  runtime: Pick<Runtime, 'ledger' | 'noteEvent'>,
  offer: Omit<CredentialOffer, 'audit'>,
): Promise<OfferOutcome> {
  const { userId, provider, reason } = offer;
  let stored: EventNote | undefined;
  const outcome = await runtime.ledger.offer({
    ...offer,
    audit: (version) => {
      stored = runtime.noteEvent({ type: 'credential.stored', userId, provider, version, reason });
      return stored.audit;
    },
  });
  if (outcome.outcome === 'stored') stored?.announce();
  return outcome;
}
