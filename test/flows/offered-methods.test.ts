import type { DriverFeatures } from '@sallyport/core/driver';
import type { CredentialFiles, LoginMethod, Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { describe, expect, it } from 'vitest';

import { methodName, rankMethods } from '../../packages/core/src/login/method-selection.ts';
import type { MethodChoice } from '../../packages/core/src/login/method-selection.ts';
import { describeLogin } from '../../packages/server/src/http/routes/describe-login.ts';
import { agentOf, createWorld, ended, until, userId } from './world.ts';
import type { World } from './world.ts';

/** Each login method that is offered can finish, with every provider and on every kind of driver. */

const providers: readonly Provider[] = [claude, codex, gemini];

type Features = Pick<DriverFeatures, 'desktop' | 'loopback'>;
const featureSets: readonly Features[] = [true, false].flatMap((desktop) =>
  (['forwarded', 'shared', 'none'] as const).map((loopback) => ({ desktop, loopback })),
);

const jwt = `e30.${Buffer.from('{"email":"a@example.com"}').toString('base64url')}.c2ln`;
const login = { accessToken: 'a', refreshToken: 'r', expiresAt: 1_900_000_000_000, scopes: ['user:inference'] };

/** What the CLI leaves behind, by credential item. */
const files: Readonly<Record<string, CredentialFiles>> = {
  claude_code: { auth: JSON.stringify({ claudeAiOauth: login }), token: `sk-ant-oat01-${'a'.repeat(40)}` },
  codex: { auth: JSON.stringify({ tokens: { access_token: jwt, refresh_token: 'r', id_token: jwt } }) },
  gemini_cli: { oauth_creds: JSON.stringify({ access_token: 'a', refresh_token: 'r' }) },
};
const keys: Readonly<Record<string, string>> = {
  claude_code: `sk-ant-api03-${'a'.repeat(40)}`,
  codex: `sk-proj-${'a'.repeat(40)}`,
  gemini_cli: `AIza${'a'.repeat(40)}`,
};

/** Not in any manifest, as the port that a CLI is given by its operating system. */
const FREE_PORT = 45_671;

/** A sign-in URL as the manifest describes it. */
function signInUrl({ url, callback }: LoginMethod): string {
  const address = new URL(`https://${url?.hosts[0]}${url?.pathPrefixes[0]}`);
  for (const required of url?.require ?? []) {
    const [name = '', ...value] = required.split('=');
    address.searchParams.set(name, value.join('=') || 'x');
  }
  if (callback) {
    address.searchParams.set('redirect_uri', `http://127.0.0.1:${portOf(callback)}${callback.path}`);
    address.searchParams.set('state', 's');
  }
  return address.href;
}

function portOf(callback: NonNullable<LoginMethod['callback']>): number {
  return callback.ports[0] ?? FREE_PORT;
}

function givenBy({ gives }: MethodChoice, id: string): CredentialFiles {
  return Object.fromEntries(Object.entries(files[id] ?? {}).filter(([item]) => gives.includes(item)));
}

/** Does what the user and the CLI do, and nothing that this driver could not. */
async function finish(world: World, features: Features, id: string, choice: MethodChoice): Promise<void> {
  const request = { userId, externalId: null, provider: id, method: methodName(choice) };
  const { sessionId } = await world.app.logins.start(request);
  const { method } = choice;
  if ('item' in method) {
    const value = method.kind === 'import' ? files[id]?.[method.item.id] : keys[id];
    await until(() => world.app.logins.live(sessionId)?.openQuestions.has(method.item.id) === true, 'the question');
    await world.app.logins.answer(sessionId, method.item.id, value ?? '');
    return expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
  }
  const agent = await agentOf(world, sessionId);
  const { needs } = world.app.providers.get(id).manifest;
  expect(world.fake.newest('browser').plan.memoryMb).toBeGreaterThanOrEqual(needs.memoryMb);
  const userCode = method.kind === 'device-code' ? { userCode: 'ABCD-12345' } : {};
  agent.emit({ type: 'login.url', sessionId, url: signInUrl(method), ...userCode });
  await until(async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user', 'the sign-in page');
  const shown = await world.app.logins.get(sessionId);
  if (choice.display === 'desktop') expect(agent.calls.some((call) => call.startsWith('openPage'))).toBe(true);
  else expect(shown.authUrl).toBe(signInUrl(method));
  if (method.kind === 'device-code') {
    expect(shown.userCode).toBe('ABCD-12345');
    const at = shown.updatedAt.getTime();
    const lasts = (shown.userCodeExpiresAt?.getTime() ?? 0) - at;
    expect([lasts <= 15 * 60_000, lasts > 14 * 60_000]).toEqual([true, true]);
    const told = (await world.store.sessions.events(sessionId, 0)).map(({ event }) => event);
    const expiresAt = shown.userCodeExpiresAt?.toISOString();
    expect(told).toContainEqual(expect.objectContaining({ type: 'url', data: expect.objectContaining({ expiresAt }) }));
    expect(describeLogin(world.app.logins, shown, null)).toMatchObject({ userCode: 'ABCD-12345', expiresAt });
  }
  if (choice.display === 'local' && features.loopback === 'forwarded' && method.callback) {
    // The browser is sent to the port of the URL: someone has to listen there, and hand the answer on.
    const at = world.ports.requests.filter(({ mode }) => mode === 'forward').at(-1);
    expect(at?.ports).toContain(portOf(method.callback));
    expect(at?.path).toBe(method.callback.path);
    expect(await at?.onCallback(new URLSearchParams('code=c&state=s'))).toBe(true);
  } else {
    expect(world.ports.requests.filter(({ mode }) => mode === 'forward')).toEqual([]);
  }
  for (const { do: action } of method.drive.steps) {
    if (action.kind !== 'ask') continue;
    const { id: promptId, label, kind, secret } = action.prompt;
    agent.emit({ type: 'login.prompt', sessionId, promptId, label, kind, secret });
    await until(async () => world.app.logins.live(sessionId)?.openQuestions.has(promptId) === true, 'the question');
    await world.app.logins.answer(sessionId, promptId, 'CODE#STATE');
  }
  agent.offer(id, givenBy(choice, id));
  agent.emit({ type: 'login.finished', sessionId });
  expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
}

describe.each(providers)('$manifest.title', (provider) => {
  const { id, logins, credentials } = provider.manifest;

  describe.each(featureSets)('on a driver with desktop: $desktop, loopback: $loopback', (features) => {
    const given = { ...features, hibernate: false, isolation: '' };
    const { choices } = rankMethods({ methods: logins, credentials, prefer: 'desktop', features: given });

    it.each(choices.map((choice) => [methodName(choice), choice] as const))('finishes %s', async (_name, choice) => {
      const policy = { deployment: 'self-hosted', acceptedTerms: [id] } as const;
      const world = createWorld({ features, more: [provider], policy });
      await finish(world, features, id, choice);
      expect(await world.leftovers()).toEqual([]);
      await world.app.close();
    });

    it('offers a sign-in without a key, and never one that nothing can answer', () => {
      const names = choices.map(methodName);
      expect(choices.some(({ needs }) => !needs.includes('key'))).toBe(true);
      expect(features.desktop || !names.some((name) => name.endsWith(':desktop'))).toBe(true);
      expect(features.loopback !== 'none' || !names.some((name) => name.endsWith(':local'))).toBe(true);
    });
  });
});
