import { randomUUID } from 'node:crypto';

import { bundleSha256 } from '@sallyport/core/engine';
import type { Clock } from '@sallyport/core';
import type { AgentEvent } from '@sallyport/core/protocol';
import type { CredentialFiles } from '@sallyport/core/provider';

import type { EventLog } from '../event-log.ts';

/** Credentials on their way to the server: repeated until it says that they are stored, or refused for good. */
export interface Offers {
  offer(found: FoundCredential): void;
  /** False where there is no such offer, for instance because it was acknowledged before. */
  acknowledge(offerId: string): boolean;
  pending(): readonly CredentialOffer[];
}

export interface FoundCredential {
  readonly provider: string;
  /** The login that made it; absent for a rotation. */
  readonly sessionId?: string;
  readonly files: CredentialFiles;
}

export type CredentialOffer = Extract<AgentEvent, { type: 'credential.offered' }>;

const REPEAT_MS = 2000;

export function createOffers(options: { log: EventLog; clock: Clock; signal: AbortSignal }): Offers {
  const { log, clock, signal } = options;
  /** One for each provider: an older one holds tokens that the newer ones replaced. */
  const open = new Map<string, CredentialOffer>();
  const latest = new Map<string, { readonly sha256: string; readonly sessionId: string | undefined }>();

  const repeat = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(REPEAT_MS, signal);
      for (const offer of open.values()) log.announce(offer);
    }
  };
  // Ends by the signal alone.
  void repeat().catch(() => {});

  return {
    offer: ({ provider, sessionId, files }) => {
      const sha256 = bundleSha256(files);
      const before = latest.get(provider);
      // The watch and the login may both find the same file; the login knows which session it belongs to.
      if (before?.sha256 === sha256 && (sessionId === undefined || before.sessionId === sessionId)) return;
      const session = sessionId ?? open.get(provider)?.sessionId;
      const offer: CredentialOffer = {
        type: 'credential.offered',
        offerId: randomUUID(),
        provider,
        ...(session !== undefined && { sessionId: session }),
        files: { ...files },
      };
      latest.set(provider, { sha256, sessionId: session });
      open.set(provider, offer);
      log.announce(offer);
    },
    acknowledge: (offerId) => {
      const found = [...open].find(([, offer]) => offer.offerId === offerId);
      return found !== undefined && open.delete(found[0]);
    },
    pending: () => [...open.values()],
  };
}
