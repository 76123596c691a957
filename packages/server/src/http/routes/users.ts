import { emptyBodySchema, userParamsSchema } from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { userOf } from '../../auth/caller.ts';

/** The users of this deployment. */
export const userRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (app, { sallyport }) => {
  app.delete(
    '/api/users/:userId',
    {
      config: { access: 'service' },
      schema: {
        operationId: 'eraseUser',
        tags: ['users'],
        summary: 'Erase a user with everything stored of them',
        params: userParamsSchema,
        body: emptyBodySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await sallyport.users.erase(userOf(request, request.params.userId).userId);
      return reply.code(204).send(null);
    },
  );
};
