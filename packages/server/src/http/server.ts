import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import { fastifySSE } from '@fastify/sse';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import type { Clock, Sallyport } from '@sallyport/core';
import { limitConnections } from '@sallyport/machines';
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { checkAccess, loopbackHosts, securityHeaders } from '../auth/access.ts';
import { registerDesktopUpgrade } from '../desktop/upgrade.ts';
import type { Metrics } from './metrics.ts';
import { CONNECTIONS_PER_ADDRESS, defaultStreamLimits } from './limits.ts';
import { describeRoute, openapi } from './openapi.ts';
import { answerError, registerProblems } from './problem.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { userRoutes } from './routes/users.ts';
import { machineRoutes } from './routes/machines.ts';
import { providerRoutes } from './routes/providers.ts';
import { loginRoutes, TICKET_LIFETIME_MS } from './routes/logins.ts';
import { operationRoutes } from './routes/operations.ts';
import { promptRoutes } from './routes/prompts.ts';
import { createStreamLimits } from './stream-limits.ts';
import type { StreamLimitSettings } from './stream-limits.ts';
import { createViewerTickets } from '../auth/viewer-tickets.ts';
import { formatRefusal, refuseConnection } from '../desktop/websocket-handshake.ts';

export interface HttpServerOptions {
  readonly sallyport: Sallyport;
  readonly metrics: Metrics;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  /** Directory of the built page. */
  readonly webDirectory: string;
  /** Open connections of one client address at a time. Default 512. */
  readonly connectionsPerAddress?: number;
  /** Default: {@link defaultStreamLimits}. */
  readonly streams?: StreamLimitSettings;
}

/** Node's own default for a quiet keep-alive connection is too short for a browser; this is fastify's. */
const KEEP_ALIVE_MS = 72_000;
const REQUEST_MS = 30_000;

/** The public HTTP API and the page. The caller listens and closes. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { sallyport, clock } = options;
  const hosts = (): readonly string[] => allowedHosts(app.server);
  const app: FastifyInstance = fastify({
    loggerInstance: options.log,
    bodyLimit: 512 * 1024,
    routerOptions: { maxParamLength: 200 },
    forceCloseConnections: true,
    // Called once for each address of `localhost`.
    serverFactory: (handler) => {
      const server = createServer(
        {
          keepAliveTimeout: KEEP_ALIVE_MS,
          requestTimeout: REQUEST_MS,
          // Some clients ask for HTTP/2 with each request (`Upgrade: h2c`) and are content with an ordinary answer.
          shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
        },
        handler,
      );
      limitConnections(server, {
        most: options.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS,
        peerOf: ({ remoteAddress = '' }) => remoteAddress,
        refusal: formatRefusal(503, 'Too many connections are open from this address. Close some and try again.'),
        clock,
      });
      return server;
    },
    // Query strings stay out of the log: some other tool's habit may put a secret there.
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: (error, socket) => refuseMalformed(error.code, socket, clock),
    // Addresses that cannot be decoded pass no hook.
    frameworkErrors: (error, request, reply) => {
      void answerError(error, request, reply.headers(securityHeaders));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  acceptJsonOnly(app);
  registerProblems(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    checkAccess(request.raw, hosts());
  });

  await app.register(fastifySwagger, { openapi, transform: describeRoute });
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });

  const tickets = createViewerTickets({ clock, lifetimeMs: TICKET_LIFETIME_MS });
  const streams = createStreamLimits(options.streams ?? defaultStreamLimits);
  await app.register(loginRoutes, { sallyport, tickets, streams });
  await app.register(promptRoutes, { sallyport, streams });
  await app.register(providerRoutes, { sallyport });
  await app.register(credentialRoutes, { sallyport });
  await app.register(userRoutes, { sallyport });
  await app.register(machineRoutes, { sallyport });
  await app.register(operationRoutes, { sallyport, metrics: options.metrics });
  // Nothing is kept by a browser (`no-store`), so there is nothing to ask conditionally or in parts.
  const files = { cacheControl: false, etag: false, lastModified: false, acceptRanges: false };
  await app.register(fastifyStatic, { root: options.webDirectory, ...files });
  app.get('/api/auth/session/:id/novnc', { schema: { hide: true } }, (_request, reply) =>
    reply.sendFile('viewer.html'),
  );
  registerDesktopUpgrade(app, { sallyport, tickets, hosts, clock });
  return app;
}

/** Browsers send `content-type: application/json` with an empty body on some of our bodiless routes. */
function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, String(body), done);
  });
}

/** What Node's parser gives up on never becomes a request. */
function refuseMalformed(code: string | undefined, socket: Socket, clock: Clock): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  if (code === 'HPE_HEADER_OVERFLOW') refuseConnection(socket, clock, 431, 'The headers are too long.');
  else if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    refuseConnection(socket, clock, 408, 'The request did not arrive in time.');
  else refuseConnection(socket, clock, 400, 'Malformed HTTP request.');
}

/** None before it listens, and then nobody asks. */
function allowedHosts(server: Server): readonly string[] {
  const address = server.address();
  return typeof address === 'object' && address !== null ? loopbackHosts(address) : [];
}
