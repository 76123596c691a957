import { emptyBodySchema } from '@sallyport/core/protocol';
import type { FastifyDynamicSwaggerOptions, SwaggerTransform, SwaggerTransformObject } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';

import { namedSchemas, referenceTo, SCHEMAS } from './named-schemas.ts';
import type { StreamedSchema } from './named-schemas.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The schema of each event, if the route answers with a stream. */
    readonly streams?: StreamedSchema;
  }
}

const tags = {
  logins: 'Log a user in to a provider.',
  'connect links': 'Send a user to a page of this server where they connect a provider, and take them back.',
  prompts: 'Run prompts with the CLI that a user has connected.',
  providers: 'What can be connected.',
  credentials: 'What a user has connected.',
  machines: "Users' machines.",
  users: 'The users of a deployment, and the tokens with which they call this API.',
  operations: 'For load balancers and operators.',
};

export const openapi: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Sallyport',
    version: '1',
    description: 'Connect the coding CLIs of your users to their own machines and run prompts on them.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'The server that answers this document.' }],
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  components: {
    securitySchemes: {
      bearer: {
        type: 'http',
        scheme: 'bearer',
        description:
          'An API key of a backend, a user token that it made, or a token of a sign-in service (docs/identity.md). A ' +
          'server without `auth` listens on loopback and asks for none.',
      },
    },
  },
};

const describeSchemas = createJsonSchemaTransform({ schemaRegistry: namedSchemas });
const requestReference = new RegExp(`(?<="${SCHEMAS}\\w+)Input(?=")`, 'g');
const collectSchemas = createJsonSchemaTransformObject({ schemaRegistry: namedSchemas });

/**
 * Adds the named schemas. The library writes each twice, as `…Input` for requests and without it for answers. Here each is one
 * or the other, and keeps its plain name.
 */
export const addNamedSchemas: SwaggerTransformObject = (input) => {
  const collected = JSON.stringify(collectSchemas(input));
  const document = JSON.parse(collected.replaceAll(requestReference, ''));
  const schemas = Object.entries<object>(document.components.schemas)
    .filter(([name]) => collected.includes(`"${SCHEMAS}${name}"`))
    .map(([name, schema]) => [name.replace(/Input$/, ''), schema]);
  document.components.schemas = Object.fromEntries(schemas);
  describeAnswers(document);
  return document;
};

/** What a status says where a route adds nothing to it. */
const answers: Readonly<Record<string, string>> = {
  200: 'The answer.',
  201: 'It was created.',
  202: 'The request was accepted. What it asks for may still be under way.',
  204: 'It was done.',
};

/** Replaces the text that the generator puts where a route describes no answer. */
function describeAnswers(document: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
}): void {
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path)))
    for (const [status, answer] of Object.entries<{ description: string }>(Object(operation.responses)))
      if (answer.description === 'Default Response') answer.description = answers[status] ?? answer.description;
}

/** Adds what every route has in common: who may call it, that failures are problems, and that streams are server-sent events. */
export const describeRoute: SwaggerTransform = (input) => {
  const { schema, url } = describeSchemas(withoutEmptyBody(input));
  if (schema.hide === true) return { schema, url };
  const responses: Readonly<Record<string, unknown>> = Object(schema.response);
  const { method, config } = input.route;
  const stream = config?.streams && {
    200: { ...eventStream(config.streams), ...(method === 'POST' && { headers: location }) },
    ...(method === 'GET' && { 204: streamEnd }),
  };
  const resumes = config?.streams !== undefined && { 'last-event-id': lastEventId };
  const headers = { ...(config?.isIdempotent === true && idempotencyKey), ...resumes };
  const security = config?.access === 'public' ? [] : [{ bearer: [] }];
  const response = { ...responses, ...stream, '4xx': problem, '5xx': problem };
  return { url, schema: { ...schema, headers: { type: 'object', properties: headers }, security, response } };
};

/** Such a body may be sent and need not be. A document can say that only by not mentioning it. */
function withoutEmptyBody<T extends Parameters<SwaggerTransform>[0]>(input: T): T {
  const { body, ...schema } = input.schema;
  return body === emptyBodySchema ? { ...input, schema } : input;
}

// Described here and read by hand: a schema of the headers would take all others away.
const idempotencyKey = {
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
};
const lastEventId = {
  type: 'string',
  pattern: '^[0-9]+$',
  description: 'Id of the last event that arrived: the stream goes on behind it. Absent: from the beginning.',
};
const location = {
  location: { type: 'string', description: 'Address of the prompt: append `/events` to follow it again.' },
};

function eventStream(event: StreamedSchema): object {
  return {
    description:
      'Server-sent events. The data of each is JSON of this schema, and its id goes into the header Last-Event-ID of a request that resumes behind it.',
    content: { 'text/event-stream': { schema: referenceTo(event) } },
  };
}

// Without this type the generator describes a body, and an answer of this status has none.
const streamEnd = {
  type: 'null',
  description: 'There is nothing behind the event of Last-Event-ID, and nothing will come. EventSource stops here.',
};

const problem = {
  description: 'What went wrong, and what to do about it (RFC 9457). docs/errors.md lists the codes.',
  content: { 'application/problem+json': { schema: referenceTo('Problem') } },
};
