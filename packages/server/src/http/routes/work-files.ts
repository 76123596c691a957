import {
  encodeFileCursor,
  machineParamsSchema,
  workFileListQuerySchema,
  workFileListSchema,
  workFileQuerySchema,
} from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { userOf } from '../../auth/caller.ts';
import type { StreamLimits } from '../stream-limits.ts';

export interface WorkFileRoutesOptions {
  readonly sallyport: Sallyport;
  readonly streams: StreamLimits;
}

/**
 * What the CLIs of a machine have left in `~/work`. Its content is hostile: a browser is told to save it, under whatever
 * name, and to show or run none of it.
 */
export const workFileRoutes: FastifyPluginAsyncZod<WorkFileRoutesOptions> = async (app, { sallyport, streams }) => {
  app.get(
    '/api/vms/:id/files',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'listFiles',
        tags: ['machines'],
        summary: "List a directory of a machine's working directory",
        params: machineParamsSchema,
        querystring: workFileListQuerySchema,
        response: { 200: workFileListSchema },
      },
    },
    async (request) => {
      const { userId: named, path, limit, cursor: after } = request.query;
      const { userId } = userOf(request, named);
      const { entries, hasMore } = await sallyport.machines.listFiles(userId, request.params.id, {
        path,
        after,
        limit,
      });
      const last = entries.at(-1);
      return {
        items: entries.map((entry) => ({ ...entry, modifiedAt: new Date(entry.modifiedAt).toISOString() })),
        nextCursor: hasMore && last ? encodeFileCursor(last.name) : null,
      };
    },
  );

  app.get(
    '/api/vms/:id/files/content',
    {
      config: { access: 'prompt' },
      schema: {
        operationId: 'readFile',
        tags: ['machines'],
        summary: "Read a file of a machine's working directory",
        params: machineParamsSchema,
        querystring: workFileQuerySchema,
        response: {
          200: {
            description: 'The bytes of the file.',
            content: { 'application/octet-stream': { schema: z.any().meta({ type: 'string', format: 'binary' }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const { userId: named, path } = request.query;
      const { userId } = userOf(request, named);
      const place = streams.open(userId);
      try {
        const gone = new AbortController();
        reply.raw.once('close', () => gone.abort());
        const { size, body } = await sallyport.machines.readFile(userId, request.params.id, path, gone.signal);
        body.once('close', () => place[Symbol.dispose]());
        return reply
          .headers({
            'content-type': 'application/octet-stream',
            'content-length': size,
            'content-disposition': attachment(path),
            'content-security-policy': "sandbox; default-src 'none'",
          })
          .send(body);
      } catch (error) {
        place[Symbol.dispose]();
        throw error;
      }
    },
  );
};

/** RFC 6266 with the name as RFC 8187 writes it, and in ASCII for who does not know that. */
function attachment(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  const ascii = name.replace(/[^\w.-]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
