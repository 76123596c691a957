import { providerListSchema, userQuerySchema } from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { userOf } from '../../auth/caller.ts';
import { describeOffer } from './describe-offer.ts';
import { toIso } from './to-iso.ts';

/** Providers, with what a user has connected and how the others can be. */
export const providerRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (app, { sallyport }) => {
  app.get(
    '/api/providers',
    {
      config: { access: 'user' },
      schema: {
        operationId: 'listProviders',
        tags: ['providers'],
        summary: 'List the providers and how a user can connect them',
        querystring: userQuerySchema,
        response: { 200: providerListSchema },
      },
    },
    async (request) => {
      const connected = await sallyport.credentials.list(userOf(request, request.query.userId).userId);
      return sallyport.providers.list().map((provider) => {
        const credential = connected.find((choice) => choice.provider === provider.manifest.id);
        return {
          ...describeOffer(sallyport, provider),
          connected: credential !== undefined,
          valid: credential?.valid ?? null,
          problem: credential?.problem ?? null,
          loginExpiresAt: toIso(credential?.facts.loginExpiresAt),
          endsSoon: credential?.endsSoon ?? false,
          lastVerified: credential?.lastVerified?.toISOString() ?? null,
          account: credential?.facts.account ?? null,
          kind: credential?.facts.kind ?? null,
          termsReviewed: provider.manifest.terms.reviewed,
        };
      });
    },
  );
};
