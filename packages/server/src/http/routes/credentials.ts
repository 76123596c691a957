import {
  credentialListSchema,
  disconnectedSchema,
  emptyBodySchema,
  importBodySchema,
  importedSchema,
  providerParamsSchema,
  userQuerySchema,
} from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { userOf } from '../../auth/caller.ts';
import { toIso } from './to-iso.ts';

/** The credentials of a user: list, import, disconnect. */
export const credentialRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (
  app,
  { sallyport },
) => {
  app.get(
    '/api/credentials',
    {
      config: { access: 'user' },
      schema: {
        operationId: 'listCredentials',
        tags: ['credentials'],
        summary: 'List what a user has connected, without secrets',
        querystring: userQuerySchema,
        response: { 200: credentialListSchema },
      },
    },
    async (request) => {
      const connected = await sallyport.credentials.list(userOf(request, request.query.userId).userId);
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
      config: { access: 'connect' },
      schema: {
        operationId: 'disconnect',
        tags: ['credentials'],
        summary: 'Disconnect a provider and erase what is stored of it',
        params: providerParamsSchema,
        querystring: userQuerySchema,
        body: emptyBodySchema,
        response: { 200: disconnectedSchema },
      },
    },
    async (request) =>
      sallyport.credentials.disconnect(userOf(request, request.query.userId).userId, request.params.provider),
  );

  app.post(
    '/api/credentials/:provider',
    {
      config: { access: 'connect' },
      schema: {
        operationId: 'importCredential',
        tags: ['credentials'],
        summary: 'Import a credential that the user already has',
        params: providerParamsSchema,
        body: importBodySchema,
        response: { 201: importedSchema },
      },
    },
    async (request, reply) => {
      const { userId, ...login } = request.body;
      const stored = await sallyport.credentials.import({
        ...userOf(request, userId),
        provider: request.params.provider,
        ...login,
      });
      return reply.code(201).send(stored);
    },
  );
};
