import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import { fastifyCors } from '@fastify/cors';
import type { FastifyCorsOptions } from '@fastify/cors';
import { fastifySSE } from '@fastify/sse';
import fastifyStatic from '@fastify/static';
import fastifySwagger from '@fastify/swagger';
import type { Clock, Sallyport } from '@sallyport/core';
import { createConnectionLimit } from '@sallyport/machines';
import fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';

import { checkAccess, loopbackHosts, securityHeaders, viewerHeaders } from '../auth/access.ts';
import type { AccessRules } from '../auth/access.ts';
import type { Caller } from '../auth/caller.ts';
import { createIdentifier } from '../auth/identify.ts';
import type { Authentication } from '../auth/identify.ts';
import { clientNetwork } from '../auth/client-network.ts';
import { loopbackAddress } from '../auth/public-address.ts';
import type { PublicAddress } from '../auth/public-address.ts';
import { requireAccess } from '../auth/route-access.ts';
import type { TrustedProxies } from '../auth/trusted-proxies.ts';
import { createConnectLinks } from '../connect-links/connect-links.ts';
import type { ConnectLinkSettings } from '../connect-links/settings.ts';
import { registerDesktopUpgrade } from '../desktop/upgrade.ts';
import type { Metrics } from './metrics.ts';
import { CONNECTIONS_PER_ADDRESS, defaultConnections, defaultStreamLimits, FAILURES_PER_MINUTE } from './limits.ts';
import { addNamedSchemas, describeRoute, openapi } from './openapi.ts';
import { answerError, registerProblems } from './problem.ts';
import { auditRoutes } from './routes/audit.ts';
import { connectLinkRoutes } from './routes/connect-links.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { listRoutes } from './routes/lists.ts';
import { userRoutes } from './routes/users.ts';
import { machineRoutes } from './routes/machines.ts';
import { workFileRoutes } from './routes/work-files.ts';
import { prepareRoutes } from './routes/prepare.ts';
import { providerRoutes } from './routes/providers.ts';
import { loginRoutes, TICKET_LIFETIME_MS } from './routes/logins.ts';
import { operationRoutes } from './routes/operations.ts';
import { promptRoutes } from './routes/prompts.ts';
import { userTokenRoutes } from './routes/user-tokens.ts';
import { createStreamLimits } from './stream-limits.ts';
import type { StreamLimitSettings } from './stream-limits.ts';
import { createViewerLinks } from '../auth/viewer-links.ts';
import { createViewerTickets } from '../auth/viewer-tickets.ts';
import { formatRefusal, refuseConnection } from '../desktop/websocket-handshake.ts';

export interface HttpServerOptions {
  readonly sallyport: Sallyport;
  readonly metrics: Metrics;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  /** Directory of the built page. */
  readonly webDirectory: string;
  /** Open connections of one client address, or one IPv6 /64, at a time. Default 512. */
  readonly connectionsPerAddress?: number;
  /** Open connections of all clients at a time, those through trusted proxies included. Default: {@link defaultConnections}. */
  readonly connections?: number;
  /** API keys and tokens of one client address, or one IPv6 /64, that are refused with 401 in a minute. Default 30. */
  readonly failuresPerMinute?: number;
  /** Default: {@link defaultStreamLimits}. */
  readonly streams?: StreamLimitSettings;
  /** How callers prove who they are. Default: they need not, and each acts for the operator; on loopback only. */
  readonly authentication?: Authentication | undefined;
  /** Default: loopback, and no other page. */
  readonly address?: PublicAddress;
  /** Default: no connect links. */
  readonly connectLinks?: ConnectLinkSettings | undefined;
  /** Proxies that requests come through. What others say of a client's address is not believed. Default: none. */
  readonly trustedProxies?: TrustedProxies | undefined;
}

/** Node's own default for a quiet keep-alive connection is too short for a browser; this is fastify's. */
const KEEP_ALIVE_MS = 72_000;
const REQUEST_MS = 30_000;

/** The public HTTP API and the page. The caller listens and closes. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { sallyport, clock } = options;
  const { address = loopbackAddress, authentication, trustedProxies } = options;
  const onBackgroundError = (what: string, error: unknown): void => options.log.warn({ err: error }, what);
  const rules = (): AccessRules => ({ hosts: allowedHosts(app.server, address), address });
  const limitConnections = createConnectionLimit({
    most: options.connectionsPerAddress ?? CONNECTIONS_PER_ADDRESS,
    peerOf: ({ remoteAddress = '' }) =>
      trustedProxies?.includes(remoteAddress) ? undefined : clientNetwork(remoteAddress),
    refusal: formatRefusal(503, 'Too many connections are open from this address. Close some and try again.'),
    inAll: {
      most: options.connections ?? defaultConnections(),
      refusal: formatRefusal(503, 'Too many connections are open. Try again later.'),
    },
    clock,
  });
  const app: FastifyInstance = fastify({
    loggerInstance: options.log,
    bodyLimit: 512 * 1024,
    trustProxy: trustedProxies ? [...trustedProxies.ranges] : false,
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
      limitConnections(server);
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
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? '(none)';
    options.metrics.request({ method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime });
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (!isProbe(request)) checkAccess(request.raw, rules());
  });
  // Before callers are identified: a page that is allowed learns why it was refused.
  if (address.allowedOrigins.length > 0) await app.register(fastifyCors, corsOf(address));
  const connectLinks = options.connectLinks && createConnectLinks(sallyport, options.connectLinks, address);
  const { failuresPerMinute = FAILURES_PER_MINUTE } = options;
  requireAccess(
    app,
    authentication
      ? createIdentifier({ ...authentication, clock, onBackgroundError, failuresPerMinute })
      : () => operator,
    async (request) => {
      const link = authentication && (await connectLinks?.find(request));
      return link && { kind: 'link', user: link, sessionId: link.sessionId };
    },
  );

  await app.register(fastifySwagger, { openapi, transform: describeRoute, transformObject: addNamedSchemas });
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });

  const tickets = createViewerTickets({ clock, lifetimeMs: TICKET_LIFETIME_MS });
  const links = authentication && createViewerLinks(tickets, clock);
  const streams = createStreamLimits(options.streams ?? defaultStreamLimits);
  await app.register(loginRoutes, { sallyport, tickets, streams, address, links, clock });
  await app.register(prepareRoutes, { sallyport, clock });
  await app.register(connectLinkRoutes, { sallyport, address, links: connectLinks });
  await app.register(promptRoutes, { sallyport, streams, clock });
  await app.register(listRoutes, { store: sallyport.store });
  await app.register(providerRoutes, { sallyport });
  await app.register(credentialRoutes, { sallyport });
  await app.register(userRoutes, { sallyport });
  await app.register(userTokenRoutes, {
    tokenKeys: authentication?.tokenKeys,
    users: sallyport.store.users,
    address,
    audit: sallyport.store.audit,
    clock,
  });
  await app.register(machineRoutes, { sallyport });
  await app.register(workFileRoutes, { sallyport, streams });
  await app.register(auditRoutes, { audit: sallyport.store.audit });
  await app.register(operationRoutes, { sallyport, metrics: options.metrics });
  // Nothing is kept by a browser (`no-store`), so there is nothing to ask conditionally or in parts.
  const files = { cacheControl: false, etag: false, lastModified: false, acceptRanges: false };
  await app.register(async (pages) => {
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
    });
    await pages.register(fastifyStatic, { root: options.webDirectory, ...files });
    pages.get('/connect', { schema: { hide: true } }, (_request, reply) => reply.sendFile('connect.html'));
    pages.get('/api/auth/session/:id/novnc', { schema: { hide: true } }, (_request, reply) =>
      reply.headers(viewerHeaders(address)).sendFile('viewer.html'),
    );
  });
  registerDesktopUpgrade(app, { sallyport, tickets, rules, clock });
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
function allowedHosts(server: Server, { origin }: PublicAddress): readonly string[] {
  const bound = server.address();
  const own = typeof bound === 'object' && bound !== null ? loopbackHosts(bound) : [];
  return origin === undefined ? own : [new URL(origin).host, ...own];
}

/** Load balancers ask for these by the address of this host. They say nothing about anybody. */
function isProbe({ url }: FastifyRequest): boolean {
  return url === '/health' || url === '/ready';
}

function corsOf({ allowedOrigins }: PublicAddress): FastifyCorsOptions {
  return {
    origin: [...allowedOrigins],
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'last-event-id'],
    exposedHeaders: ['location', 'retry-after'],
    maxAge: 600,
  };
}

const operator: Caller = { kind: 'operator' };
