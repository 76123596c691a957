import { problemSchema } from '@sallyport/core';
import type { SwaggerTransform } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Sallyport',
    version: '1',
    description: 'Connect the coding CLIs of your users to their own machines and run prompts on them.',
  },
} as const;

/** Adds what every route has in common: failures are problems, and streams are server-sent events. */
export const describeRoute: SwaggerTransform = (input) => {
  const { schema, url } = jsonSchemaTransform(input);
  if (schema.hide === true) return { schema, url };
  const responses: Readonly<Record<string, unknown>> = Object(schema.response);
  const { sse, method, config } = Object(input.route);
  const stream = sse === undefined ? {} : { 200: eventStream, ...(method === 'GET' && { 204: streamEnd }) };
  const headers = config?.isIdempotent === true && { headers: idempotencyHeaders };
  return { url, schema: { ...schema, ...headers, response: { ...responses, ...stream, default: problem } } };
};

/** Described here and read by hand: a schema of the headers would take all others away. */
const idempotencyHeaders = {
  type: 'object',
  properties: {
    'idempotency-key': {
      type: 'string',
      minLength: 1,
      maxLength: 128,
      pattern: '^[\\x21-\\x7e]+$',
      description:
        'Makes it safe to send this request again. For 24 hours, the same key of the same user with the same body ' +
        'creates nothing more and answers with what was created; another body answers 422, and 409 means that the ' +
        'first request is still running.',
    },
  },
};

const eventStream = {
  description: 'Server-sent events. The header Last-Event-ID resumes behind an event.',
  content: { 'text/event-stream': { schema: { type: 'string' } } },
};

const streamEnd = {
  description: 'There is nothing behind the event of Last-Event-ID, and nothing will come. EventSource stops here.',
};

const problem = {
  description: 'What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes.',
  content: { 'application/problem+json': { schema: withoutDialect(z.toJSONSchema(problemSchema)) } },
};

/** OpenAPI names the dialect once, for the whole document. */
function withoutDialect({ $schema: _dialect, ...schema }: z.core.JSONSchema.BaseSchema): object {
  return schema;
}
