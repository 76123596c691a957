import { describe, expect, it } from 'vitest';

import { credentialItemSchema } from '../provider/credential-item.ts';
import { secretValues } from './secret-values.ts';

const item = (change: object) =>
  credentialItemSchema.parse({
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'json',
    rotates: true,
    require: [],
    write: 'replace',
    paths: { browser: '~/.x/auth', cli: '~/.x/auth' },
    ...change,
  });
const key = credentialItemSchema.parse({ as: 'environment', id: 'key', name: 'X_API_KEY', from: 'user' });

const values = (change: object, content: unknown) => [
  ...secretValues([item(change)], { auth: typeof content === 'string' ? content : JSON.stringify(content) }),
];

describe('the secret values of a credential', () => {
  it.each([
    ['accessToken', 'abcdefgh1'],
    ['refresh_token', 'abcdefgh1'],
    ['id_token', 'abcdefgh1'],
    ['OPENAI_API_KEY', 'abcdefgh1'],
    ['client_secret', 'abcdefgh1'],
    ['password', 'p@ssword.1'],
    ['refresh', 'abcdefgh1'],
    ['token', '0e3b7c1a-3f2d-4b6e-9a51-7d2f4c8b9e10'],
  ])('are those of %s, wherever it stands', (name, value) => {
    expect(values({}, { a: [{ b: { [name]: value } }] })).toEqual([value]);
  });

  it('are those in a list', () => {
    expect(values({}, { tokens: ['abcdefgh1', 'abcdefgh2'] })).toEqual(['abcdefgh1', 'abcdefgh2']);
  });

  it('are those that the manifest requires, but not an account', () => {
    const require = ['/x', '/a~1b/y', '/account', '/mail', '/list'];
    const content = {
      x: 'abcdefgh1',
      'a/b': { y: 'abcdefgh2' },
      account: '0e3b7c1a-3f2d-4b6e-9a51-7d2f4c8b9e10',
      mail: 'ada@example.org',
      list: ['user:inference'],
    };
    expect(values({ require }, content)).toEqual(['abcdefgh1', 'abcdefgh2']);
  });

  it('are those below each account', () => {
    const content = { accounts: { 'a/b': { value: 'abcdefgh1' }, '*': { value: 'abcdefgh2' } }, value: 'public-value' };
    expect(values({ require: ['/accounts/*/value'] }, content)).toEqual(['abcdefgh1', 'abcdefgh2']);
  });

  it('are those of JSON with comments', () => {
    expect(values({ format: 'jsonc' }, '{\n // mine\n "token": "abcdefgh1", }')).toEqual(['abcdefgh1']);
  });

  it.each([
    ['short values', { token: 'abcdefg' }],
    ['URLs', { token_uri: 'https://id.example/token' }],
    ['other strings', { scope: 'everything there is', plan: 'default_max_20x', expires: '2026-01-01T00:00:00Z' }],
    ['what is not a string', { token: 123_456_789_012, secret: null, key: true }],
  ])('are not %s', (_, content) => {
    expect(values({}, content)).toEqual([]);
  });

  it('are the whole of a variable, without the space around it', () => {
    expect([...secretValues([key], { key: ' sk-0123456789\n' })]).toEqual(['sk-0123456789']);
  });

  it('are not in a settings file', () => {
    expect(values({ role: 'settings' }, { token: 'abcdefgh1' })).toEqual([]);
  });

  it('are the words of a text file that look like keys, and the whole of it', () => {
    const text = 'github.com:\n  oauth_token: "gho_0123456789abcdef"\n  url: https://github.com/login/12345\n';
    expect(values({ format: 'text' }, text)).toEqual(expect.arrayContaining(['gho_0123456789abcdef', text.trim()]));
    expect(values({ format: 'text' }, text)).not.toContain('https://github.com/login/12345');
  });

  it.each([
    ['TOML', '[auth]\npassword = "hunter2-pass"\n'],
    ['YAML', 'github.com:\n  password: hunter2-pass\n'],
    ['JSON with comments', '{\n  // mine\n  "password": "hunter2-pass",\n}'],
  ])('are the values of a text file whose name says that they are secret, in %s', (_format, text) => {
    expect(values({ format: 'text' }, text)).toContain('hunter2-pass');
  });

  it.each(['gho_0123456789abcdefABCD', 'github_pat_11ABCDEFG0_abcdefghij', 'sk-ant-oat01-abcdefghijkl'])(
    'are tokens of the known vendors wherever they stand: %s',
    (token) => {
      expect(values({}, { hosts: { 'github.com': { login: token, header: `Bearer ${token}` } } })).toEqual([token]);
    },
  );

  it('are found in a JSON file that is broken', () => {
    expect(values({}, '{"token":"gho_0123456789abcdef"')).toContain('gho_0123456789abcdef');
  });

  it('are there as JSON writes them, too', () => {
    expect(values({}, { password: 'a"b\\c12345' })).toEqual(['a"b\\c12345', 'a\\"b\\\\c12345']);
  });

  it('are cut into parts if they are long, so that their search has a limit', () => {
    const long = 'x'.repeat(4096) + 'y'.repeat(4096) + 'z';
    expect(values({}, { token: long })).toEqual(['x'.repeat(4096), 'y'.repeat(4096)]);
  });
});
