import { SallyportError } from '@sallyport/core';
import type { CredentialFiles } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { describe, expect, it } from 'vitest';

import { createWorld, credential, userId } from './world.ts';
import type { World } from './world.ts';

const secret = 'sk-ant-ort01-canary-import-4711';
const jwt = `e30.${Buffer.from('{"email":"a@example.com"}').toString('base64url')}.c2ln`;

const complete = {
  claude_code: {
    claudeAiOauth: {
      accessToken: secret,
      refreshToken: secret,
      expiresAt: 1_900_000_000_000,
      scopes: ['user:inference'],
    },
  },
  codex: { tokens: { access_token: jwt, refresh_token: secret, id_token: jwt } },
  gemini: { access_token: secret, refresh_token: secret },
} as const;

const partOf = { claude_code: 'auth', codex: 'auth', gemini: 'oauth_creds' } as const;
const pathOf = {
  claude_code: '~/.claude/.credentials.json',
  codex: '~/.codex/auth.json',
  gemini: '~/.gemini/oauth_creds.json',
} as const;

type Name = keyof typeof complete;
const names = ['claude_code', 'codex', 'gemini'] as const;

/** What users send: files of other tools, halves, wrappers, and things that only look like a credential. */
const wrongTexts: Readonly<Record<string, (text: string) => string>> = {
  'an empty text': () => '',
  blanks: () => ' \n\t',
  'an empty object': () => '{}',
  'a list around it': (text) => `[${text}]`,
  'a text around it': (text) => JSON.stringify(text),
  'an object around it': (text) => `{"auth":${text}}`,
  'its first half': (text) => text.slice(0, text.length / 2),
  'comments in it': (text) => text.replace('{', '{ // mine\n'),
  'two of it': (text) => `${text}\n${text}`,
  'the token alone': () => secret,
  'the shape of an older Claude': () =>
    JSON.stringify({ anthropic: { type: 'oauth', refresh: secret, access: secret } }),
  'the shape of opencode': () =>
    JSON.stringify({ openai: { type: 'oauth', refresh: secret, access: secret, expires: 1 } }),
  'the shape of a Google service account': () => JSON.stringify({ type: 'service_account', private_key: secret }),
  'an empty refresh token': (text) => text.replace(/("refresh_?[tT]oken":)"[^"]*"/, '$1""'),
  'a blank refresh token': (text) => text.replace(/("refresh_?[tT]oken":)"[^"]*"/, '$1"  "'),
  'no refresh token': (text) => text.replace(/"refresh_?[tT]oken":"[^"]*",?/, '').replace(',}', '}'),
  'null for a refresh token': (text) => text.replace(/("refresh_?[tT]oken":)"[^"]*"/, '$1null'),
  'a number for a refresh token': (text) => text.replace(/("refresh_?[tT]oken":)"[^"]*"/, '$15'),
  'an object for a refresh token': (text) => text.replace(/("refresh_?[tT]oken":)"[^"]*"/, '$1{"value":"x"}'),
};

const inWorld = async (body: (world: World) => Promise<void>): Promise<void> => {
  const policy = { deployment: 'self-hosted', acceptedTerms: names } as const;
  const world = createWorld({ more: [claude, codex, gemini], policy });
  await body(world);
  await world.app.close();
};

async function refusal(world: World, provider: string, files: CredentialFiles): Promise<SallyportError> {
  const error = await world.app.credentials
    .import({ userId, externalId: null, provider, files })
    .catch((thrown: unknown) => thrown);
  if (!SallyportError.isInstance(error)) throw new Error(`${provider} was not refused`);
  return error;
}

/** A client must be able to give up at once, and to show what was wrong without showing the login. */
function expectFinal(error: SallyportError): void {
  expect({ code: error.code, status: error.status, retryable: error.retryable }).toEqual({
    code: 'CREDENTIAL_MALFORMED',
    status: 422,
    retryable: false,
  });
  const told = JSON.stringify([error.message, error.hint, error.details]);
  for (const part of [secret, jwt, 'canary']) expect(told).not.toContain(part);
  expect(error.message).not.toMatch(/SyntaxError|position \d|JSON\.parse/);
}

describe.each(names)('an import of %s', (provider: Name) => {
  const text = JSON.stringify(complete[provider]);
  const part = partOf[provider];

  it('is stored where it is the file of the CLI', () =>
    inWorld(async ({ app }) => {
      const imported = app.credentials.import({ userId, externalId: null, provider, files: { [part]: text } });
      await expect(imported).resolves.toEqual({ version: 1 });
    }));

  it.each(Object.keys(wrongTexts))('is refused for good where it has %s, and told which shape is expected', (name) =>
    inWorld(async (world) => {
      const error = await refusal(world, provider, { [part]: wrongTexts[name]?.(text) ?? '' });
      expectFinal(error);
      expect(error.hint).toContain(`"${part}": the whole text of ${pathOf[provider]}`);
      expect(error.hint).toContain('log in');
      expect(await world.app.credentials.list(userId)).toEqual([]);
      // Nothing of it is kept, not even that the user tried.
      expect(await world.store.users.get(userId)).toBeUndefined();
    }),
  );

  it.each([
    pathOf[provider],
    pathOf[provider].slice(2),
    pathOf[provider].replace(/^.*\//, ''),
    pathOf[provider].replace(/^.*\/\.?/, '').toUpperCase(),
  ])('is refused under the name %s, and told the name to send it by', (name) =>
    inWorld(async (world) => {
      const error = await refusal(world, provider, { [name]: text });
      expectFinal(error);
      expect(error.hint).toMatch(new RegExp(`^Send it as "${part}"\\.`));
    }),
  );

  it.each(['', 'tokens', 'Auth', '__proto__', 'constructor', secret])('is refused with an unknown part: %j', (name) =>
    inWorld(async (world) => {
      const files = Object.fromEntries([
        [part, text],
        [name, text],
      ]);
      const error = await refusal(world, provider, files);
      expectFinal(error);
      expect(error.hint).toContain(`"${part}"`);
    }),
  );

  it('is refused without any part, and with a key beside a login', () =>
    inWorld(async (world) => {
      expectFinal(await refusal(world, provider, {}));
      const key = { claude_code: 'sk-ant-api03-', codex: 'sk-proj-', gemini: 'AIza' }[provider] + 'a'.repeat(30);
      expectFinal(await refusal(world, provider, { [part]: text, api_key: key }));
    }));
});

it('an import of settings without a login is refused for good', () =>
  inWorld(async (world) => expectFinal(await refusal(world, 'claude_code', { settings: '{"theme":"dark"}' }))));

it('an import that is too large is refused for good, counted in bytes', () =>
  inWorld(async (world) => {
    const files = { auth: JSON.stringify({ ...JSON.parse(credential(1).auth), beside: 'ü'.repeat(140_000) }) };
    const { code, retryable } = await refusal(world, 'fake', files);
    expect({ code, retryable }).toEqual({ code: 'CREDENTIAL_TOO_LARGE', retryable: false });
  }));
