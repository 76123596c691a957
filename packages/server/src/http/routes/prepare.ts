import { prepareBodySchema } from '@sallyport/core/protocol';
import type { Clock, Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { userOf } from '../../auth/caller.ts';
import { preparationsPerMinute } from '../limits.ts';
import { createRateLimit } from '../rate-limit.ts';

export interface PrepareRoutesOptions {
  readonly sallyport: Pick<Sallyport, 'providers' | 'gate' | 'logins' | 'warmPool'>;
  readonly clock: Clock;
}

/** Starts a browser machine before the user clicks, so that they do not wait for it. */
export const prepareRoutes: FastifyPluginAsyncZod<PrepareRoutesOptions> = async (app, { sallyport, clock }) => {
  const { gate, logins, providers, warmPool } = sallyport;
  const rate = createRateLimit({ what: 'preparations', ...preparationsPerMinute, clock });

  const canUseDesktop = (name: string): boolean => {
    const { id } = providers.get(name).manifest;
    const refusal = gate.closed(id);
    if (refusal) throw refusal;
    return logins.selection(id).choices.some(({ display }) => display === 'desktop');
  };

  app.post(
    '/api/auth/prepare',
    {
      config: { forLinks: true, access: 'connect' },
      schema: {
        operationId: 'prepareLogin',
        tags: ['logins'],
        summary: 'Prepare for a login that the user may start soon',
        body: prepareBodySchema,
        response: { 202: z.undefined() },
      },
    },
    async (request, reply) => {
      const { provider, userId } = request.body ?? {};
      rate.count(userOf(request, userId).userId);
      if (provider === undefined || canUseDesktop(provider)) warmPool.expect();
      return reply.code(202).send(undefined);
    },
  );
};
