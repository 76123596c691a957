import { SallyportError } from '@sallyport/core';
import {
  claimBodySchema,
  claimedSchema,
  connectLinkBodySchema,
  connectLinkSchema,
  emptyBodySchema,
  linkLoginBodySchema,
  linkPageSchema,
  linkReturnSchema,
  openLinkBodySchema,
} from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { ConnectLinkRecord } from '@sallyport/core/store';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';

import { userOf } from '../../auth/caller.ts';
import { baseUrl } from '../../auth/public-address.ts';
import type { PublicAddress } from '../../auth/public-address.ts';
import { linkCookie } from '../../connect-links/cookie.ts';
import { OPENED_LINK_MS } from '../../connect-links/connect-links.ts';
import type { ConnectLinks } from '../../connect-links/connect-links.ts';
import { describeLogin } from './describe-login.ts';
import { describeOffer } from './describe-offer.ts';

export interface ConnectLinkRoutesOptions {
  readonly sallyport: Sallyport;
  readonly address: PublicAddress;
  /** `undefined` if the configuration has no `connectLinks`. */
  readonly links: ConnectLinks | undefined;
}

/** Links to a page that does one login. A backend makes and claims them; what the page itself calls is known by its cookie. */
export const connectLinkRoutes: FastifyPluginAsyncZod<ConnectLinkRoutesOptions> = async (
  app,
  { sallyport, address, links },
) => {
  const { logins, providers } = sallyport;

  function configured(): ConnectLinks {
    if (links) return links;
    throw new SallyportError('REQUEST_INVALID', 'This server makes no connect links.', {
      hint: 'Set `connectLinks` in the configuration; see docs/connect-links.md.',
    });
  }

  async function show(request: FastifyRequest, link: ConnectLinkRecord): Promise<z.infer<typeof linkPageSchema>> {
    const offered = link.provider === null ? providers.list() : [providers.get(link.provider)];
    const session = link.sessionId === null ? undefined : await sallyport.store.sessions.get(link.sessionId);
    return {
      product: configured().settings.product,
      returnHost: new URL(link.returnUrl).host,
      providers: offered.map((provider) => describeOffer(sallyport, provider)),
      login: session ? describeLogin(logins, session, null) : null,
      expiresAt: link.expiresAt.toISOString(),
    };
  }

  app.post(
    '/api/connect-links',
    {
      config: { access: 'service' },
      schema: {
        operationId: 'createConnectLink',
        tags: ['connect links'],
        summary: 'Make a link to a page where a user connects a provider',
        body: connectLinkBodySchema,
        response: { 201: connectLinkSchema },
      },
    },
    async (request, reply) => {
      const { userId, ...wanted } = request.body;
      const made = await configured().create({ ...wanted, user: userOf(request, userId) });
      const { linkId, expiresAt } = made.link;
      // In the fragment, which is in no log and in no Referer, and which programs that preview links do not run.
      const url = `${baseUrl(address, request.headers.host)}/connect#${made.token}`;
      return reply.code(201).send({ linkId, url, expiresAt: expiresAt.toISOString() });
    },
  );

  app.post(
    '/api/connect-links/claim',
    {
      config: { access: 'service' },
      schema: {
        operationId: 'claimConnectLink',
        tags: ['connect links'],
        summary: 'Give the login of a link to the user who has returned',
        body: claimBodySchema,
        response: { 200: claimedSchema },
      },
    },
    async (request) => {
      const user = userOf(request, request.body.userId);
      return { userId: user.userId, ...(await configured().claim(request.body.code, user)) };
    },
  );

  app.post(
    '/api/connect-links/open',
    {
      config: { access: 'public' },
      schema: { hide: true, body: openLinkBodySchema, response: { 200: linkPageSchema } },
    },
    async (request, reply) => {
      const { token } = request.body;
      if (token === undefined) return show(request, await configured().of(request));
      const { link, browser } = await configured().open(token);
      reply.header('set-cookie', linkCookie(address, browser, OPENED_LINK_MS));
      return show(request, link);
    },
  );

  app.post(
    '/api/connect-links/current/login',
    {
      config: { access: 'public' },
      schema: { hide: true, body: linkLoginBodySchema, response: { 201: linkPageSchema } },
    },
    async (request, reply) => {
      const link = await configured().of(request);
      const { sessionId } = await configured().startLogin(link, request.body);
      return reply.code(201).send(await show(request, { ...link, sessionId }));
    },
  );

  app.post(
    '/api/connect-links/current/return',
    {
      config: { access: 'public' },
      schema: { hide: true, body: emptyBodySchema, response: { 200: linkReturnSchema } },
    },
    async (request) => ({ url: await configured().returnUrl(await configured().of(request)) }),
  );
};
