import { generateKeyPairSync, randomBytes, randomUUID, sign, verify } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import { z } from 'zod';

export interface SupabaseUser {
  readonly id: string;
  readonly email: string;
  readonly password: string;
}

/**
 * Supabase Auth, as far as supabase-js uses it to sign in by password: a project with an asymmetric key (ES256) and a
 * publishable key. It refuses what GoTrue and the gateway in front of it refuse, with their status codes and errors.
 */
export interface SupabaseAuth {
  readonly publishableKey: string;
  /** Its public keys (JWKS), which PostgREST needs as well. */
  readonly keys: object;
  /** Signs a token with the project's key. */
  sign(claims: Readonly<Record<string, unknown>>): string;
  /** The claims of a user's token that is good for an hour. */
  claimsOf(user: SupabaseUser): Readonly<Record<string, unknown>>;
  /** Answers what belongs to Auth, and requests without the key. `false` if the request may go on to PostgREST. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

interface Session {
  readonly user: SupabaseUser;
  refreshToken: string;
}

interface Answer {
  readonly status: number;
  readonly body?: object;
}

const LIFETIME_SECONDS = 3600;

export function createSupabaseAuth(issuer: string, users: readonly SupabaseUser[]): SupabaseAuth {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const publishableKey = `sb_publishable_${randomBytes(16).toString('base64url')}`;
  const keys = {
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig', key_ops: ['verify'] }],
  };
  const sessions = new Map<string, Session>();

  const signToken = (claims: object): string => {
    const signed = [{ alg: 'ES256', kid, typ: 'JWT' }, claims].map(encode).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };

  const claimsOf = ({ id, email }: SupabaseUser, sessionId: string = randomUUID()) => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: issuer,
      sub: id,
      aud: 'authenticated',
      exp: now + LIFETIME_SECONDS,
      iat: now,
      email,
      phone: '',
      app_metadata: { provider: 'email', providers: ['email'] },
      user_metadata: {},
      role: 'authenticated',
      aal: 'aal1',
      amr: [{ method: 'password', timestamp: now }],
      session_id: sessionId,
      is_anonymous: false,
    };
  };

  const grant = (sessionId: string, session: Session): Answer => {
    const claims = claimsOf(session.user, sessionId);
    session.refreshToken = randomBytes(9).toString('base64url');
    sessions.set(sessionId, session);
    const body = {
      access_token: signToken(claims),
      token_type: 'bearer',
      expires_in: LIFETIME_SECONDS,
      expires_at: claims.exp,
      refresh_token: session.refreshToken,
      user: publicUser(session.user),
    };
    return { status: 200, body };
  };

  function readToken(authorization = ''): z.infer<typeof claimsSchema> | undefined {
    const token = authorization.replace(/^Bearer /i, '');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    const isSigned = verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'));
    if (!isSigned) return undefined;
    const claims = claimsSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
    return claims.exp > Date.now() / 1000 ? claims : undefined;
  }

  /** Calls back with the session of a request's token. */
  function withSession({ headers }: IncomingMessage, answer: (id: string, session: Session) => Answer): Answer {
    const { authorization } = headers;
    if (authorization === undefined || authorization === `Bearer ${publishableKey}`)
      return failure(401, 'no_authorization', 'This endpoint requires a valid Bearer token');
    const claims = readToken(authorization);
    if (!claims)
      return failure(403, 'bad_jwt', 'invalid JWT: unable to parse or verify signature, or token is expired');
    const session = sessions.get(claims.session_id);
    if (session?.user.id !== claims.sub)
      return failure(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
    return answer(claims.session_id, session);
  }

  const grants: Readonly<Record<string, (body: unknown) => Answer>> = {
    password: (body) => {
      const { email, password } = passwordSchema.parse(body);
      const user = users.find((one) => one.email === email.toLowerCase() && one.password === password);
      if (!user) return failure(400, 'invalid_credentials', 'Invalid login credentials');
      return grant(randomUUID(), { user, refreshToken: '' });
    },
    refresh_token: (body) => {
      const { refresh_token: refreshToken } = refreshSchema.parse(body);
      const found = [...sessions].find(([, session]) => session.refreshToken === refreshToken);
      if (found) return grant(...found);
      return failure(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
    },
  };

  const routes: Readonly<Record<string, (request: IncomingMessage, url: URL) => Answer | Promise<Answer>>> = {
    'GET /.well-known/jwks.json': () => ({ status: 200, body: keys }),
    'GET /user': (request) => withSession(request, (_id, { user }) => ({ status: 200, body: publicUser(user) })),
    'POST /logout': (request) =>
      withSession(request, (id) => {
        sessions.delete(id);
        return { status: 204 };
      }),
    'POST /token': async (request, { searchParams }) => {
      const answer = grants[searchParams.get('grant_type') ?? ''];
      if (!answer) return failure(400, 'unsupported_grant_type', 'unsupported_grant_type');
      try {
        return answer(JSON.parse(await text(request)));
      } catch {
        return failure(400, 'bad_json', 'Could not parse request body as JSON');
      }
    },
  };

  async function answerFor(request: IncomingMessage, url: URL): Promise<Answer> {
    const route = routes[`${request.method} ${url.pathname.replace(/^\/auth\/v1/, '')}`];
    return route ? await route(request, url) : failure(404, 'not_found', 'Not Found');
  }

  return {
    publishableKey,
    keys,
    sign: signToken,
    claimsOf: (user) => claimsOf(user),
    handle: (request, response) => {
      const url = new URL(request.url ?? '/', issuer);
      const isAuth = url.pathname.startsWith('/auth/v1/');
      // PostgREST answers preflight requests itself.
      if (request.method === 'OPTIONS' && !isAuth) return false;
      if (request.method === 'OPTIONS') send(request, response, { status: 200 });
      else if (request.headers['apikey'] !== publishableKey && !url.pathname.includes('/.well-known/'))
        send(request, response, { status: 401, body: { message: 'Invalid API key' } });
      else if (isAuth) void answerFor(request, url).then((answer) => send(request, response, answer));
      else {
        // The gateway turns a publishable key, which is not a JWT, into the role `anon`.
        if (request.headers.authorization === `Bearer ${publishableKey}`) delete request.headers.authorization;
        return false;
      }
      return true;
    },
  };
}

/** A user's token with other claims and the old signature. */
export function forge(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, payload = '', signature] = token.split('.');
  const before: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return [header, encode({ ...Object(before), ...claims }), signature].join('.');
}

const claimsSchema = z.object({ sub: z.string(), exp: z.number(), session_id: z.string() });
const passwordSchema = z.object({ email: z.string(), password: z.string() });
const refreshSchema = z.object({ refresh_token: z.string() });

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const failure = (status: number, code: string, message: string): Answer => ({ status, body: { code, message } });

function publicUser({ id, email }: SupabaseUser): object {
  return {
    id,
    aud: 'authenticated',
    role: 'authenticated',
    email,
    app_metadata: {},
    user_metadata: {},
    identities: [],
  };
}

function send({ headers }: IncomingMessage, response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET,POST,PUT,PATCH,DELETE,OPTIONS',
    'access-control-allow-headers': headers['access-control-request-headers'] ?? '*',
    'access-control-expose-headers': 'X-Supabase-Api-Version',
    'x-supabase-api-version': '2024-01-01',
    'content-type': 'application/json',
  });
  response.end(body && JSON.stringify(body));
}
