import {
  conversationListQuerySchema,
  conversationListSchema,
  encodeCursor,
  loginListQuerySchema,
  loginListSchema,
  promptListQuerySchema,
  promptListSchema,
} from '@sallyport/core/protocol';
import type { ListPage, Store } from '@sallyport/core/store';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { userOf } from '../../auth/caller.ts';

export interface ListRoutesOptions {
  readonly store: Pick<Store, 'sessions' | 'prompts'>;
}

/** What a user has done, in pages. */
export const listRoutes: FastifyPluginAsyncZod<ListRoutesOptions> = async (app, { store }) => {
  app.get(
    '/api/auth/sessions',
    {
      config: { access: 'user' },
      schema: {
        operationId: 'listLogins',
        tags: ['logins'],
        summary: 'List the logins of a user',
        querystring: loginListQuerySchema,
        response: { 200: loginListSchema },
      },
    },
    async (request) => {
      const { userId, limit, cursor: after } = request.query;
      const page = await store.sessions.list({ userId: userOf(request, userId).userId, limit, after });
      return describePage(page, ({ sessionId, provider, method, status, errorCode, createdAt, updatedAt }) => ({
        sessionId,
        provider,
        method,
        status,
        errorCode,
        createdAt: createdAt.toISOString(),
        updatedAt: updatedAt.toISOString(),
      }));
    },
  );

  app.get(
    '/api/vm/cli/prompts',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'listPrompts',
        tags: ['prompts'],
        summary: 'List the prompts of a user',
        querystring: promptListQuerySchema,
        response: { 200: promptListSchema },
      },
    },
    async (request) => {
      const { userId, limit, cursor: after } = request.query;
      const page = await store.prompts.list({ userId: userOf(request, userId).userId, limit, after });
      return describePage(page, ({ promptId, provider, conversationId, status, errorCode, createdAt, endedAt }) => ({
        promptId,
        provider,
        conversationId,
        status,
        errorCode,
        createdAt: createdAt.toISOString(),
        endedAt: endedAt?.toISOString() ?? null,
      }));
    },
  );

  app.get(
    '/api/vm/cli/conversations',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'listConversations',
        tags: ['prompts'],
        summary: 'List the conversations of a user',
        querystring: conversationListQuerySchema,
        response: { 200: conversationListSchema },
      },
    },
    async (request) => {
      const { userId, limit, cursor: after } = request.query;
      const page = await store.prompts.conversations({ userId: userOf(request, userId).userId, limit, after });
      return describePage(page, ({ createdAt, lastPromptAt, ...conversation }) => ({
        ...conversation,
        createdAt: createdAt.toISOString(),
        lastPromptAt: lastPromptAt.toISOString(),
      }));
    },
  );
};

function describePage<Item, Described>({ items, next }: ListPage<Item>, describe: (item: Item) => Described) {
  return { items: items.map(describe), nextCursor: next ? encodeCursor(next) : null };
}
