import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock, Sallyport } from '@sallyport/core';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';

import { checkViewerAccess } from '../auth/access.ts';
import type { AccessRules } from '../auth/access.ts';
import { spliceDesktop } from './proxy.ts';
import type { ViewerTickets } from '../auth/viewer-tickets.ts';
import { offeredProtocols, refuseConnection } from './websocket-handshake.ts';

export interface DesktopUpgradeOptions {
  readonly sallyport: Sallyport;
  readonly tickets: ViewerTickets;
  readonly rules: () => AccessRules;
  readonly clock: Clock;
}

const ROUTE = /^\/api\/auth\/session\/([0-9a-f-]{36})\/novnc\/websock$/;
const TICKET_PROTOCOL = 'sallyport.ticket.';

/** A user signs in within minutes; a viewer that stays longer or does nothing is cut off. */
const LIMITS = { maxLifetimeMs: 20 * 60_000, idleMs: 5 * 60_000, maxBytes: 2 * 1024 ** 3 } as const;

/**
 * The viewer's WebSocket. Origin and a one-use ticket are checked before anything else; which machine it
 * reaches is read from the session alone, never from the request.
 */
export function registerDesktopUpgrade(app: FastifyInstance, options: DesktopUpgradeOptions): void {
  app.server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    upgrade(options, app.log, request, socket, head).catch((error: unknown) => {
      const status = SallyportError.isInstance(error) ? error.status : 502;
      const message = SallyportError.isInstance(error) ? error.message : 'The viewer could not be connected.';
      app.log.info({ status }, message);
      refuseConnection(socket, options.clock, status, message);
    });
  });
}

async function upgrade(
  options: DesktopUpgradeOptions,
  log: FastifyBaseLogger,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  checkViewerAccess(request, options.rules());
  const sessionId = ROUTE.exec((request.url ?? '').split('?')[0] ?? '')?.[1];
  if (sessionId === undefined) throw new SallyportError('NOT_FOUND', 'There is no viewer at this address.');
  const ticket = offeredProtocols(request.headers)
    .find((name) => name.startsWith(TICKET_PROTOCOL))
    ?.slice(TICKET_PROTOCOL.length);
  // Before the session is looked for: who has no ticket does not learn whether there is one.
  const userId = ticket === undefined ? undefined : options.tickets.redeem(ticket, sessionId);
  if (userId === undefined)
    throw new SallyportError('ACCESS_TICKET_INVALID', 'The viewer ticket is not valid any more.');
  await options.sallyport.logins.get(sessionId, userId);
  const live = options.sallyport.logins.live(sessionId);
  if (!live?.agent) throw new SallyportError('LOGIN_SESSION_OVER', 'This login has no screen any more.');
  const { agent } = live;

  const over = live.abort.signal;
  live.viewer('attached');
  await spliceDesktop({
    request,
    socket,
    head,
    upgrade: (key, protocol, signal) => agent.upgradeDesktop({ key, protocol }, AbortSignal.any([over, signal])),
    limits: LIMITS,
    clock: options.clock,
    onEnd: ({ reason, toViewer, fromViewer, error }) => {
      log.info({ reason, toViewer, fromViewer, code: error?.code, problem: error?.message }, 'A viewer left');
      live.viewer('detached');
    },
  });
}
