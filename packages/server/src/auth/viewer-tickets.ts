import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Clock } from '@sallyport/core';

/**
 * Lets a browser open a WebSocket to one desktop. A WebSocket of a page carries neither a header of our choice
 * nor a body, so the page fetches a ticket first and shows it in the handshake as
 * a sub-protocol. Those, unlike addresses, are in no access log.
 */
export interface ViewerTickets {
  /** A ticket for one connection to one login session. Not stored: only its digest is. */
  issue(userId: string, sessionId: string): string;
  /** Uses a ticket up. True once, for the user and session it was issued to, while it lives. */
  redeem(ticket: string, holder: { readonly userId: string; readonly sessionId: string }): boolean;
}

export interface ViewerTicketOptions {
  readonly clock: Clock;
  /** Default 30 s: the page connects at once. */
  readonly lifetimeMs?: number;
  /** Tickets that live at one time; the oldest give way. Default 10 000. */
  readonly capacity?: number;
}

export function createViewerTickets({
  clock,
  lifetimeMs = 30_000,
  capacity = 10_000,
}: ViewerTicketOptions): ViewerTickets {
  /** Digest of the ticket → whose it is and until when. A map keeps the order of insertion, so the oldest are first. */
  const live = new Map<string, { readonly holder: Buffer; readonly expires: number }>();

  const makeRoom = (): void => {
    for (const [digest, { expires }] of live) {
      if (expires > clock.monotonic() && live.size < capacity) return;
      live.delete(digest);
    }
  };

  return {
    issue: (userId, sessionId) => {
      makeRoom();
      const ticket = randomBytes(24).toString('base64url');
      live.set(hash(ticket).toString('hex'), {
        holder: hashHolder(userId, sessionId),
        expires: clock.monotonic() + lifetimeMs,
      });
      return ticket;
    },
    redeem: (ticket, { userId, sessionId }) => {
      // Looked up by digest, so that the time it takes reveals nothing to a guesser.
      const digest = hash(ticket).toString('hex');
      const found = live.get(digest);
      // Gone with the first use, also a use by the wrong user.
      live.delete(digest);
      const isHolder = timingSafeEqual(found?.holder ?? nobody, hashHolder(userId, sessionId));
      return isHolder && found !== undefined && found.expires > clock.monotonic();
    },
  };
}

const nobody = Buffer.alloc(32);

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function hashHolder(userId: string, sessionId: string): Buffer {
  return hash(JSON.stringify([userId, sessionId]));
}
