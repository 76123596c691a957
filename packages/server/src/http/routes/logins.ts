import {
  answerBodySchema,
  emptyBodySchema,
  loginStatusSchema,
  sessionParamsSchema,
  startLoginBodySchema,
  startedLoginSchema,
  viewerTicketSchema,
} from '@sallyport/core/protocol';
import type { Clock, LoginEvent, Sallyport } from '@sallyport/core';
import type { SessionRecord } from '@sallyport/core/store';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { checkLinkedSession, mayConnect, onlyUserOf, userOf } from '../../auth/caller.ts';
import { baseUrl } from '../../auth/public-address.ts';
import type { PublicAddress } from '../../auth/public-address.ts';
import { describeLogin } from './describe-login.ts';
import { createOnce } from '../idempotency.ts';
import { streamJournal } from '../sse.ts';
import type { StreamedJournal } from '../sse.ts';
import type { StreamLimits } from '../stream-limits.ts';
import type { ViewerLinks } from '../../auth/viewer-links.ts';
import type { ViewerTickets } from '../../auth/viewer-tickets.ts';

export interface LoginRoutesOptions {
  readonly sallyport: Sallyport;
  readonly tickets: ViewerTickets;
  readonly streams: StreamLimits;
  readonly clock: Clock;
  readonly address: PublicAddress;
  /** Puts a ticket into the links to viewers. `undefined` where nobody is asked who they are. */
  readonly links: ViewerLinks | undefined;
}

export const TICKET_LIFETIME_MS = 30_000;

/** Starting, following and ending login sessions. */
export const loginRoutes: FastifyPluginAsyncZod<LoginRoutesOptions> = async (
  app,
  { sallyport, tickets, streams, address, links, clock },
) => {
  const { logins, store } = sallyport;

  const viewerUrl = (request: FastifyRequest, { display, sessionId, userId }: SessionRecord): string | null => {
    if (display !== 'desktop') return null;
    const page = `${baseUrl(address, request.headers.host)}/api/auth/session/${sessionId}/novnc`;
    // In the fragment, which is in no log and in no Referer.
    return links && mayConnect(request) ? `${page}#ticket=${links.ticketFor(userId, sessionId)}` : page;
  };

  /** With the cookie of a connect link: the login of that link alone. */
  const ownLogin = (request: FastifyRequest, id: string): Promise<SessionRecord> => {
    checkLinkedSession(request, id);
    return logins.get(id, onlyUserOf(request));
  };

  app.post(
    '/api/auth/start',
    {
      config: { access: 'connect', isIdempotent: true },
      schema: {
        operationId: 'startLogin',
        tags: ['logins'],
        summary: 'Start a login',
        body: startLoginBodySchema,
        response: { 201: startedLoginSchema },
      },
    },
    async (request, reply) => {
      const { userId: named, ...body } = request.body;
      const user = userOf(request, named);
      const { id, created } = await createOnce(store.idempotency, request, {
        userId: user.userId,
        body,
        exists: async (known) => (await store.sessions.get(known)) !== undefined,
        create: (sessionId) => logins.start({ ...user, ...body, sessionId }),
      });
      const session = created ?? (await logins.get(id));
      return reply.code(201).send({
        sessionId: session.sessionId,
        status: session.status,
        method: session.method,
        display: session.display,
        novncURL: viewerUrl(request, session),
        browserIP: session.display === 'desktop' ? '127.0.0.1' : null,
        authUrl: null,
      });
    },
  );

  app.get(
    '/api/auth/session/:id/status',
    {
      config: { forLinks: true, access: 'user' },
      schema: {
        operationId: 'readLogin',
        tags: ['logins'],
        summary: 'Read the state of a login',
        params: sessionParamsSchema,
        response: { 200: loginStatusSchema },
      },
    },
    async (request) => {
      const session = await ownLogin(request, request.params.id);
      return describeLogin(logins, session, viewerUrl(request, session));
    },
  );

  app.get(
    '/api/auth/session/:id/events',
    {
      sse: 'manual',
      exposeHeadRoute: false,
      config: { forLinks: true, access: 'user', streams: 'LoginEvent' },
      schema: { operationId: 'followLogin', tags: ['logins'], summary: 'Follow a login', params: sessionParamsSchema },
    },
    async (request, reply) => {
      const { userId } = await ownLogin(request, request.params.id);
      using _ = streams.open(userId);
      const { id } = request.params;
      const journal: StreamedJournal<LoginEvent> = {
        follow: (afterId, signal) => logins.events(id, afterId, signal),
        resumePoint: (eventId) => logins.resumePoint(id, eventId),
      };
      await streamJournal(request, reply, journal, { clock });
    },
  );

  app.post(
    '/api/auth/session/:id/answer',
    {
      config: { forLinks: true, access: 'connect' },
      schema: {
        operationId: 'answerLogin',
        tags: ['logins'],
        summary: 'Answer a question of the CLI',
        params: sessionParamsSchema,
        body: answerBodySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { sessionId } = await ownLogin(request, request.params.id);
      await logins.answer(sessionId, request.body.promptId, request.body.value);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/auth/session/:id/cancel',
    {
      config: { forLinks: true, access: 'connect' },
      schema: {
        operationId: 'cancelLogin',
        tags: ['logins'],
        summary: 'Cancel a login and remove its machine',
        params: sessionParamsSchema,
        body: emptyBodySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { sessionId } = await ownLogin(request, request.params.id);
      await logins.cancel(sessionId);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/auth/session/:id/ticket',
    {
      config: { forLinks: true, access: 'connect' },
      schema: {
        operationId: 'createViewerTicket',
        tags: ['logins'],
        summary: "Get a ticket for the login machine's screen",
        params: sessionParamsSchema,
        body: emptyBodySchema,
        response: { 201: viewerTicketSchema },
      },
    },
    async (request, reply) => {
      const session = await ownLogin(request, request.params.id);
      const ticket = tickets.issue(session.userId, session.sessionId);
      return reply.code(201).send({
        ticket,
        websocketUrl: `${baseUrl(address, request.headers.host).replace(/^http/, 'ws')}/api/auth/session/${session.sessionId}/novnc/websock`,
        expiresInMs: TICKET_LIFETIME_MS,
      });
    },
  );
};
