import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { Metrics } from '../metrics.ts';

/** For the operator: health, readiness, metrics and the API description. */
export const operationRoutes: FastifyPluginAsyncZod<{
  readonly sallyport: Sallyport;
  readonly metrics: Metrics;
}> = async (app, { sallyport, metrics }) => {
  app.get(
    '/health',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'checkHealth',
        tags: ['operations'],
        summary: 'Check that the server runs',
        response: { 200: z.object({ status: z.literal('ok'), timestamp: z.string() }) },
      },
    },
    async () => ({
      status: 'ok' as const,
      timestamp: new Date().toISOString(),
    }),
  );

  app.get(
    '/ready',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'checkReady',
        tags: ['operations'],
        summary: 'Check that the server reaches its database',
        response: { 200: z.object({ status: z.literal('ready') }) },
      },
    },
    async () => {
      await sallyport.store.ping();
      return { status: 'ready' as const };
    },
  );

  app.get('/metrics', { config: { access: 'admin' }, schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.print()),
  );

  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () => app.swagger());
};
