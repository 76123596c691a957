import { Problem } from './api.ts';
import type { DesktopApi } from './desktop-view.ts';
import { openDesktopWith } from './open-desktop.ts';

/** Opens the desktop with the one ticket that the page's link holds. It needs no other proof, and works once. */
export function createTicketApi(ticket: string): DesktopApi {
  let unused: string | undefined = ticket;
  return {
    openDesktop: async (sessionId) => {
      if (unused === undefined) {
        throw new Problem({
          code: 'ACCESS_TICKET_INVALID',
          detail: 'This screen was closed.',
          hint: 'Go back to the page that opened it.',
        });
      }
      const socket = openDesktopWith(unused, sessionId, '');
      unused = undefined;
      return socket;
    },
  };
}
