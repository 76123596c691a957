import {
  emptyBodySchema,
  expectedPromptBodySchema,
  promptBodySchema,
  promptParamsSchema,
} from '@sallyport/core/protocol';
import type { Clock, PromptEvent, Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { onlyUserOf, userOf } from '../../auth/caller.ts';
import { createOnce } from '../idempotency.ts';
import { preparationsPerMinute } from '../limits.ts';
import { createRateLimit } from '../rate-limit.ts';
import { readLastEventId, streamJournal } from '../sse.ts';
import type { StreamedJournal } from '../sse.ts';
import type { StreamLimits } from '../stream-limits.ts';

export interface PromptRoutesOptions {
  readonly sallyport: Sallyport;
  readonly streams: StreamLimits;
  readonly clock: Clock;
}

/** Running prompts. The stream may be left and resumed: the prompt goes on until it ends or is cancelled. */
export const promptRoutes: FastifyPluginAsyncZod<PromptRoutesOptions> = async (app, { sallyport, streams, clock }) => {
  const { prompts, store } = sallyport;
  const rate = createRateLimit({ what: 'preparations', ...preparationsPerMinute, clock });
  const journalOf = (promptId: string): StreamedJournal<PromptEvent> => ({
    follow: (afterId, signal) => prompts.events(promptId, afterId, signal),
    resumePoint: (eventId) => prompts.resumePoint(promptId, eventId),
  });

  app.post(
    '/api/vm/cli/prompt',
    {
      sse: 'manual',
      bodyLimit: 8 * 1024 * 1024,
      config: { access: 'prompt', isIdempotent: true, streams: 'PromptEvent' },
      schema: {
        operationId: 'startPrompt',
        tags: ['prompts'],
        summary: 'Run a prompt and stream what happens',
        body: promptBodySchema,
      },
    },
    async (request, reply) => {
      const { userId: named, ...body } = request.body;
      const { userId } = userOf(request, named);
      // Before the prompt is created: refused, it does not run.
      const seenId = readLastEventId(request);
      using _ = streams.open(userId);
      const { id: promptId, created } = await createOnce(store.idempotency, request, {
        userId,
        body,
        exists: async (id) => (await store.prompts.get(id)) !== undefined,
        create: (id) => prompts.start({ ...body, userId, promptId: id }),
      });
      // The history of an earlier request may be erased.
      if (!created) await prompts.get(promptId);
      reply.header('location', `/api/vm/cli/prompt/${promptId}`);
      // Of a prompt that has just begun, nothing has been seen.
      await streamJournal(request, reply, journalOf(promptId), { clock, afterId: created ? 0 : seenId });
    },
  );

  app.post(
    '/api/vm/cli/prepare',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'preparePrompt',
        tags: ['prompts'],
        summary: 'Prepare for a prompt that the user may send soon',
        description:
          'Starts or wakes the machine of the user, and lets the CLI wait there. The prompt is then answered without its start, ' +
          'if it has the same conversation, model and tool policy. Refused as such a prompt would be.',
        body: expectedPromptBodySchema,
        response: { 202: z.undefined() },
      },
    },
    async (request, reply) => {
      const { userId: named, ...expected } = request.body;
      const { userId } = userOf(request, named);
      rate.count(userId);
      await prompts.prepare({ ...expected, userId });
      return reply.code(202).send(undefined);
    },
  );

  app.get(
    '/api/vm/cli/prompt/:id/events',
    {
      sse: 'manual',
      exposeHeadRoute: false,
      config: { access: 'prompt', streams: 'PromptEvent' },
      schema: {
        operationId: 'followPrompt',
        tags: ['prompts'],
        summary: 'Follow a prompt',
        params: promptParamsSchema,
      },
    },
    async (request, reply) => {
      const { userId } = await prompts.get(request.params.id, onlyUserOf(request));
      using _ = streams.open(userId);
      await streamJournal(request, reply, journalOf(request.params.id), { clock });
    },
  );

  app.delete(
    '/api/vm/cli/prompt/:id',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'cancelPrompt',
        tags: ['prompts'],
        summary: 'Cancel a prompt',
        params: promptParamsSchema,
        body: emptyBodySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const { promptId } = await prompts.get(request.params.id, onlyUserOf(request));
      await prompts.cancel(promptId);
      return reply.code(204).send(null);
    },
  );
};
