import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { fastifySSE } from '@fastify/sse';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import type { Clock, Sallyport } from '@sallyport/core';
import fastify from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { loopbackHosts, registerAccess } from './access.ts';
import { registerDesktopUpgrade } from './desktop-upgrade.ts';
import type { Metrics } from './metrics.ts';
import { registerProblems } from './problem.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { loginRoutes, TICKET_LIFETIME_MS } from './routes/logins.ts';
import { operationRoutes } from './routes/operations.ts';
import { promptRoutes } from './routes/prompts.ts';
import { createViewerTickets } from './viewer-tickets.ts';

export interface HttpServerOptions {
  readonly sallyport: Sallyport;
  readonly metrics: Metrics;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  /** Folder of the built page. */
  readonly webDirectory: string;
}

/** The public HTTP API and the page. The caller listens and closes. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { sallyport } = options;
  const app = fastify({
    loggerInstance: options.log,
    bodyLimit: 512 * 1024,
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 200 },
    forceCloseConnections: true,
    // Query strings stay out of the log: some other tool's habit may put a secret there.
    disableRequestLogging: true,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  acceptEmptyJson(app);
  registerProblems(app);

  const hosts = (): readonly string[] => loopbackHosts(portOf(app.server));
  registerAccess(app, hosts);

  await app.register(fastifySwagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Sallyport', version: '1', description: 'Connect coding CLIs to machines of their own and run prompts on them.' } },
    transform: jsonSchemaTransform,
  });
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });

  const tickets = createViewerTickets({ clock: options.clock, lifetimeMs: TICKET_LIFETIME_MS });
  await app.register(loginRoutes, { sallyport, tickets });
  await app.register(promptRoutes, { sallyport });
  await app.register(catalogueRoutes, { sallyport });
  await app.register(operationRoutes, { sallyport, metrics: options.metrics });
  await app.register(fastifyStatic, { root: options.webDirectory, cacheControl: false });
  app.get('/api/auth/session/:id/novnc', { schema: { hide: true } }, (_request, reply) => reply.sendFile('viewer.html'));
  registerDesktopUpgrade(app, { sallyport, tickets, hosts });
  return app;
}

/** Browsers send `content-type: application/json` with an empty body on some of our bodiless routes. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, String(body), done);
  });
}

function portOf(server: Server): number {
  const address = server.address() as AddressInfo | null;
  return address?.port ?? 0;
}
