import { consentOf, providerListSchema, userQuerySchema } from '@sallyport/core';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { userOf } from '../../auth/caller.ts';
import { describeChoice } from './describe-login.ts';
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
      // A user who looks at the providers is about to click one.
      sallyport.warmPool.expect();
      const connected = await sallyport.credentials.list(userOf(request, request.query.userId).userId);
      return sallyport.providers.list().map(({ manifest }) => {
        const credential = connected.find((choice) => choice.provider === manifest.id);
        const selection = sallyport.logins.selection(manifest.id);
        const refusal = sallyport.gate.closed(manifest.id);
        return {
          id: manifest.id,
          title: manifest.title,
          connected: credential !== undefined,
          valid: credential?.valid ?? null,
          problem: credential?.problem ?? null,
          loginExpiresAt: toIso(credential?.facts.loginExpiresAt),
          endsSoon: credential?.endsSoon ?? false,
          lastVerified: credential?.lastVerified?.toISOString() ?? null,
          account: credential?.facts.account ?? null,
          kind: credential?.facts.kind ?? null,
          methods: selection.choices.map(describeChoice),
          unavailable: selection.unavailable.map(({ method, reason }) => ({
            id: method.id,
            title: method.title,
            reason,
          })),
          terms: manifest.terms.url,
          termsReviewed: manifest.terms.reviewed,
          consent: consentOf(manifest),
          disabled: refusal ? { reason: refusal.message, hint: refusal.hint } : null,
        };
      });
    },
  );
};
