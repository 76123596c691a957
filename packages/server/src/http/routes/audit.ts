import { resolveUserId } from '@sallyport/core';
import { auditPageSchema, auditQuerySchema } from '@sallyport/core/protocol';
import type { AuditStore } from '@sallyport/core/store';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

/** The audit log of the whole deployment, for its operators. */
export const auditRoutes: FastifyPluginAsyncZod<{ readonly audit: Pick<AuditStore, 'list'> }> = async (
  app,
  { audit },
) => {
  app.get(
    '/api/audit',
    {
      config: { access: 'admin' },
      schema: {
        operationId: 'listAuditEntries',
        tags: ['operations'],
        summary: 'List entries of the audit log',
        querystring: auditQuerySchema,
        response: { 200: auditPageSchema },
      },
    },
    async (request) => {
      const { limit, cursor, userId, type, since } = request.query;
      const found = await audit.list({
        // One more tells whether there is another page.
        limit: limit + 1,
        before: cursor,
        userId: userId === undefined ? undefined : resolveUserId(userId).userId,
        type,
        since: since === undefined ? undefined : new Date(since),
      });
      const entries = found.slice(0, limit).map((entry) => ({ ...entry, at: entry.at.toISOString() }));
      return { entries, nextCursor: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
    },
  );
};
