import { createVirtualClock } from '@sallyport/testkit';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';

import { createSignInServices } from './sign-in-services.ts';
import type { SignInServices } from './sign-in-services.ts';
import { signInSettingsSchema } from './sign-in-settings.ts';

const issuer = 'https://login.example.com';
const project = 'https://abc.supabase.co';
const supabaseIssuer = `${project}/auth/v1`;
const jwtSecret = 'a secret of the project with 32 characters or more';
const user = 'a0b1c2d3-0000-4000-8000-000000000001';

let pairs: readonly {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: object;
}[];

beforeAll(async () => {
  pairs = await Promise.all(
    [
      ['one', 'ES256'],
      ['two', 'RS256'],
      ['three', 'ES256'],
    ].map(async ([kid = '', alg = '']) => {
      const { publicKey, privateKey } = await generateKeyPair(alg);
      return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
    }),
  );
});

/** A sign-in service whose keys are those of the given pairs, and a server that trusts it. */
function setUp(published: readonly string[] = ['one', 'two']) {
  const clock = createVirtualClock();
  const state = { published, fetches: 0, isAway: false };
  const settings = signInSettingsSchema.parse([
    { kind: 'oidc', issuer, audience: 'product' },
    { kind: 'supabase', url: `${project}/`, jwtSecret },
  ]);
  const services = createSignInServices(settings, {
    clock,
    fetchKeysOf: () => async () => {
      state.fetches += 1;
      if (state.isAway) throw new Error('connect ECONNREFUSED');
      return keySet(state.published);
    },
  });
  return { clock, state, services };
}

function keySet(kids: readonly string[]): JSONWebKeySet {
  return { keys: pairs.filter(({ kid }) => kids.includes(kid)).map(({ jwk }) => Object(jwk)) };
}

interface Signed {
  readonly kid?: string;
  readonly alg?: string;
  readonly claims?: JWTPayload;
  readonly key?: Uint8Array | CryptoKey;
}

/** Now is 0 on a virtual clock. */
const good: JWTPayload = { iss: issuer, aud: 'product', sub: 'ada', exp: 3600 };
const ofSupabase: JWTPayload = {
  iss: supabaseIssuer,
  aud: 'authenticated',
  role: 'authenticated',
  sub: user,
  exp: 3600,
};

async function sign(clock: { now(): number }, { kid = 'one', alg, claims = good, key }: Signed = {}): Promise<string> {
  const pair = pairs.find((one) => one.kid === kid);
  const start = Math.floor(clock.now() / 1000);
  const shifted = { ...claims, ...(claims.exp !== undefined && { exp: start + claims.exp }) };
  return new SignJWT(shifted)
    .setProtectedHeader({ alg: alg ?? pair?.alg ?? '', ...(pair && { kid }) })
    .sign(key ?? pair?.privateKey ?? new Uint8Array());
}

const check = (services: SignInServices, token: string, of = issuer) => services.check(token, of);
const refused = { code: 'ACCESS_UNAUTHENTICATED' };

describe('tokens of a sign-in service', () => {
  it.each(['one', 'two'])('are taken, signed with key %s', async (kid) => {
    const { clock, services } = setUp();
    const caller = await check(services, await sign(clock, { kid }));
    expect(caller).toMatchObject({ kind: 'user', scopes: ['connect', 'prompt', 'machines'] });
  });

  it('give the same user the same id, and the same name elsewhere another', async () => {
    const { clock, services } = setUp();
    const idOf = async (claims: JWTPayload) => (await check(services, await sign(clock, { claims }))).user.userId;
    expect(await idOf(good)).toBe('40e07e8e-5beb-573b-9b93-9274b13bda06');
    expect(await idOf({ ...good, sub: 'bob' })).not.toBe(await idOf(good));
  });

  it.each<[string, Signed]>([
    ['for another audience', { claims: { ...good, aud: 'another' } }],
    ['without an audience', { claims: { iss: issuer, sub: 'ada', exp: 3600 } }],
    ['of another issuer', { claims: { ...good, iss: 'https://login.example.com/' } }],
    ['without an end', { claims: { iss: issuer, aud: 'product', sub: 'ada' } }],
    ['without a user', { claims: { iss: issuer, aud: 'product', exp: 3600 } }],
    ['that have expired more than a minute ago', { claims: { ...good, exp: -61 } }],
    ['that begin in more than a minute', { claims: { ...good, nbf: 9e9 } }],
    ['signed with a shared secret', { alg: 'HS256', key: new TextEncoder().encode(jwtSecret) }],
    ['signed with the public key as a shared secret', { alg: 'HS256', key: new TextEncoder().encode('x'.repeat(64)) }],
  ])('are refused %s', async (_what, signed) => {
    const { clock, services } = setUp();
    await expect(check(services, await sign(clock, signed))).rejects.toMatchObject(refused);
  });

  it('are refused without a signature', async () => {
    const { services } = setUp();
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'None', 'ES256']) {
      const token = `${part({ alg, kid: 'one' })}.${part({ ...good, exp: 9e9 })}.`;
      await expect(check(services, token)).rejects.toMatchObject(refused);
    }
  });

  it('may have expired within the last minute, since clocks differ', async () => {
    const { clock, services } = setUp();
    await expect(check(services, await sign(clock, { claims: { ...good, exp: -59 } }))).resolves.toBeDefined();
  });

  it('are refused where nobody has named the service', async () => {
    const { clock, services } = setUp();
    await expect(services.check(await sign(clock), 'https://other.example.com')).rejects.toMatchObject(refused);
    await expect(services.check(await sign(clock), undefined)).rejects.toMatchObject(refused);
  });
});

describe('tokens of Supabase Auth', () => {
  const secret = new TextEncoder().encode(jwtSecret);

  it('are of the user with the id that the project itself has', async () => {
    const { clock, services } = setUp();
    for (const signed of [{ claims: ofSupabase }, { claims: ofSupabase, kid: '', alg: 'HS256', key: secret }]) {
      const caller = await check(services, await sign(clock, signed), supabaseIssuer);
      expect(caller.user).toEqual({ userId: user, externalId: null });
    }
  });

  it.each<[string, JWTPayload]>([
    ['the key of service_role', { ...ofSupabase, role: 'service_role' }],
    ['the key of anon', { ...ofSupabase, role: 'anon' }],
    ['no UUID as user', { ...ofSupabase, sub: 'ada' }],
    ['another audience', { ...ofSupabase, aud: 'product' }],
    ['the issuer of a key from the dashboard', { ...ofSupabase, iss: 'supabase' }],
  ])('are refused with %s', async (_what, claims) => {
    const { clock, services } = setUp();
    const token = await sign(clock, { claims, kid: '', alg: 'HS256', key: secret });
    await expect(check(services, token, supabaseIssuer)).rejects.toMatchObject(refused);
  });

  it('are refused with another secret', async () => {
    const { clock, services } = setUp();
    const key = new TextEncoder().encode('another secret with 32 characters or more');
    const token = await sign(clock, { claims: ofSupabase, kid: '', alg: 'HS256', key });
    await expect(check(services, token, supabaseIssuer)).rejects.toMatchObject(refused);
  });
});

describe('the keys of a service', () => {
  const minute = 60_000;

  it('are fetched once for many tokens', async () => {
    const { clock, state, services } = setUp();
    const token = await sign(clock);
    await Promise.all(Array.from({ length: 50 }, () => check(services, token)));
    expect(state.fetches).toBe(1);
  });

  it('are fetched again for a key that was added, at most once a minute', async () => {
    const { clock, state, services } = setUp();
    await check(services, await sign(clock));
    await clock.advance(minute);
    state.published = ['one', 'three'];
    await expect(check(services, await sign(clock, { kid: 'three' }))).resolves.toBeDefined();
    expect(state.fetches).toBe(2);
    for (let index = 0; index < 20; index += 1)
      await expect(check(services, await sign(clock, { kid: 'two' }))).rejects.toMatchObject(refused);
    expect(state.fetches).toBe(2);
    await clock.advance(minute);
    await expect(check(services, await sign(clock, { kid: 'two' }))).rejects.toMatchObject(refused);
    expect(state.fetches).toBe(3);
  });

  it('are used for ten minutes while the service does not answer, and then nobody is let in', async () => {
    const { clock, state, services } = setUp();
    await check(services, await sign(clock));
    state.isAway = true;
    await clock.advance(10 * minute - 1);
    await expect(check(services, await sign(clock))).resolves.toBeDefined();
    await clock.advance(1);
    const away = { code: 'ACCESS_KEYS_UNAVAILABLE', status: 503, retryable: true };
    await expect(check(services, await sign(clock))).rejects.toMatchObject(away);
    state.isAway = false;
    await clock.advance(5_000);
    await expect(check(services, await sign(clock))).resolves.toBeDefined();
  });

  it('are not asked for by each request while the service does not answer', async () => {
    const { clock, state, services } = setUp();
    state.isAway = true;
    const token = await sign(clock);
    for (let index = 0; index < 20; index += 1)
      await expect(check(services, token)).rejects.toMatchObject({ code: 'ACCESS_KEYS_UNAVAILABLE' });
    expect(state.fetches).toBe(1);
  });

  it('that were withdrawn are forgotten within ten minutes', async () => {
    const { clock, state, services } = setUp();
    await check(services, await sign(clock, { kid: 'two' }));
    state.published = ['one'];
    await clock.advance(10 * minute);
    await expect(check(services, await sign(clock, { kid: 'two' }))).rejects.toMatchObject(refused);
  });
});
