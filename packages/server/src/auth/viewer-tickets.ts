import { randomBytes } from 'node:crypto';

import type { Clock } from '@sallyport/core';

import { digestOf } from './secrets.ts';

/**
 * Lets a browser open a WebSocket to one desktop. A WebSocket of a page carries neither a header of our choice
 * nor a body, so the page fetches a ticket first and shows it in the handshake as
 * a sub-protocol. Those, unlike addresses, are in no access log.
 */
export interface ViewerTickets {
  /** A ticket for one connection to one login session. Not stored: only its digest is. */
  issue(userId: string, sessionId: string, lifetimeMs?: number): string;
  /** Whether this ticket was neither used nor has had to give way. */
  isUnused(ticket: string): boolean;
  /** Uses a ticket up. Returns the user it was issued to, once, for the session it was issued for, while it lives. */
  redeem(ticket: string, sessionId: string): string | undefined;
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
  const live = new Map<string, { readonly userId: string; readonly sessionId: string; readonly expires: number }>();

  const makeRoom = (): void => {
    for (const [key, { expires }] of live) {
      if (expires > clock.monotonic() && live.size < capacity) return;
      live.delete(key);
    }
  };

  return {
    issue: (userId, sessionId, ownLifetimeMs = lifetimeMs) => {
      makeRoom();
      const ticket = randomBytes(24).toString('base64url');
      live.set(digestOf(ticket), { userId, sessionId, expires: clock.monotonic() + ownLifetimeMs });
      return ticket;
    },
    isUnused: (ticket) => live.has(digestOf(ticket)),
    redeem: (ticket, sessionId) => {
      // Looked up by digest, so that the time it takes reveals nothing to a guesser.
      const key = digestOf(ticket);
      const found = live.get(key);
      // Gone with the first use, also a use for the wrong session.
      live.delete(key);
      const isValid = found !== undefined && found.sessionId === sessionId && found.expires > clock.monotonic();
      return isValid ? found.userId : undefined;
    },
  };
}
