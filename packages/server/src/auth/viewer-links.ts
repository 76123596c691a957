import type { Clock } from '@sallyport/core';

import type { ViewerTickets } from './viewer-tickets.ts';

/** The tickets in the links to viewers. A link is shown again and again until it is used, and one ticket is enough. */
export interface ViewerLinks {
  ticketFor(userId: string, sessionId: string): string;
}

/** As long as a link may lie in a page before it is opened. */
const LIFETIME_MS = 10 * 60_000;
/** Of its lifetime, what a ticket that is shown again has left at least. */
const LEFT_MS = LIFETIME_MS / 2;
/** Sessions whose ticket is remembered; the oldest give way. */
const CAPACITY = 10_000;

export function createViewerLinks(tickets: ViewerTickets, clock: Clock): ViewerLinks {
  const shown = new Map<string, { readonly ticket: string; readonly renewAt: number }>();
  return {
    ticketFor: (userId, sessionId) => {
      const known = shown.get(sessionId);
      if (known && clock.monotonic() < known.renewAt && tickets.isUnused(known.ticket)) return known.ticket;
      shown.delete(sessionId);
      const [oldest] = shown.keys();
      if (shown.size >= CAPACITY && oldest !== undefined) shown.delete(oldest);
      const ticket = tickets.issue(userId, sessionId, LIFETIME_MS);
      shown.set(sessionId, { ticket, renewAt: clock.monotonic() + LIFETIME_MS - LEFT_MS });
      return ticket;
    },
  };
}
