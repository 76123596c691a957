import {
  credentialListSchema,
  disconnectedSchema,
  emptyBodySchema,
  importBodySchema,
  providerParamsSchema,
  resolveUserId,
  userQuerySchema,
} from '@sallyport/core';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { toIso } from './to-iso.ts';

/** The credentials of a user: list, import, disconnect. */
export const credentialRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (
  app,
  { sallyport },
) => {
  app.get(
    '/api/credentials',
    { schema: { querystring: userQuerySchema, response: { 200: credentialListSchema } } },
    async (request) => {
      const connected = await sallyport.credentials.list(resolveUserId(request.query.userId).userId);
      return connected.map(({ provider, version, valid, problem, endsSoon, facts, lastVerified, updatedAt }) => ({
        provider,
        version,
        valid,
        problem,
        endsSoon,
        account: facts.account ?? null,
        kind: facts.kind,
        accessExpiresAt: toIso(facts.accessExpiresAt),
        loginExpiresAt: toIso(facts.loginExpiresAt),
        lastVerified: lastVerified?.toISOString() ?? null,
        updatedAt: updatedAt.toISOString(),
      }));
    },
  );

  app.delete(
    '/api/credentials/:provider',
    {
      schema: {
        params: providerParamsSchema,
        querystring: userQuerySchema,
        body: emptyBodySchema,
        response: { 200: disconnectedSchema },
      },
    },
    async (request) =>
      sallyport.credentials.disconnect(resolveUserId(request.query.userId).userId, request.params.provider),
  );

  app.post(
    '/api/credentials/:provider',
    {
      schema: {
        params: providerParamsSchema,
        body: importBodySchema,
        response: { 201: z.object({ version: z.number().int() }) },
      },
    },
    async (request, reply) => {
      const { userId, ...login } = request.body;
      const stored = await sallyport.credentials.import({
        ...resolveUserId(userId),
        provider: request.params.provider,
        ...login,
      });
      return reply.code(201).send(stored);
    },
  );
};
