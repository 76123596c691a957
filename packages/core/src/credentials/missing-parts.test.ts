import { describe, expect, it } from 'vitest';

import { credentialItemSchema } from '../provider/credential-item.ts';
import type { CredentialFileItem } from '../provider/credential-item.ts';
import { missingPart, missingParts } from './missing-parts.ts';

const auth: CredentialFileItem = {
  as: 'file',
  id: 'auth',
  role: 'secret',
  format: 'json',
  mode: 0o600,
  rotates: true,
  require: ['/tokens/access_token', '/a~1b/~0c'],
  write: 'replace',
  paths: { browser: '~/.codex/auth.json', cli: '~/.codex/auth.json' },
};
const whole = JSON.stringify({ tokens: { access_token: 'x' }, 'a/b': { '~c': 0 } });

describe('missingPart', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['a complete file', whole, undefined],
    ['a file with white space around', `\n ${whole}\n`, undefined],
    ['no file', undefined, 'absent'],
    ['a file just created', '', 'empty'],
    ['only white space', ' \n', 'empty'],
    ['zeros left by a crash', '\0'.repeat(40), 'not JSON'],
    ['plain words', 'logged out', 'not JSON'],
    ['a closed object with rubbish behind', '{}x', 'not JSON'],
    ['a null where an object belongs', 'null', 'missing /tokens/access_token'],
    ['an empty object', '{}', 'missing /tokens/access_token'],
    ['an empty token', '{"tokens":{"access_token":" "}}', 'missing /tokens/access_token'],
    ['a null token', '{"tokens":{"access_token":null}}', 'missing /tokens/access_token'],
    ['an empty object as token', '{"tokens":{"access_token":{}}}', 'missing /tokens/access_token'],
    ['an escaped pointer not met', '{"tokens":{"access_token":"x"}}', 'missing /a~1b/~0c'],
    ['a file of more than 256 KiB', `"${'x'.repeat(262_144)}"`, 'too large'],
  ])('tells about %s', (_, text, problem) => {
    expect(missingPart(auth, text)).toBe(problem);
  });

  it('calls every proper beginning of a file truncated, braces and quotes inside strings included', () => {
    const text = JSON.stringify({ tokens: { access_token: 'x"}]\\' }, 'a/b': { '~c': ['{'] } });
    for (let length = 1; length < text.length; length += 1) {
      expect(missingPart(auth, text.slice(0, length)), text.slice(0, length)).toBe('truncated');
    }
    expect(missingPart(auth, text)).toBeUndefined();
  });

  it('does not follow a pointer into what every object inherits', () => {
    expect(missingPart({ ...auth, require: ['/constructor/name'] }, '{}')).toBe('missing /constructor/name');
  });

  it.each<[string, string, string | undefined]>([
    ['one account', '{"authTokens":{"a@example.com":{"token":"x"}}}', undefined],
    [
      'an account that is logged out beside one that is not',
      '{"authTokens":{"a":{"token":""},"b":{"token":"x"}}}',
      undefined,
    ],
    ['a list of accounts', '{"authTokens":[{"token":"x"}]}', undefined],
    ['no account', '{"authTokens":{}}', 'missing /authTokens/*/token'],
    ['accounts that are logged out', '{"authTokens":{"a":{"token":" "},"b":{}}}', 'missing /authTokens/*/token'],
    ['a token in place of the map', '{"authTokens":"xxxx"}', 'missing /authTokens/*/token'],
    ['a token in place of an account', '{"authTokens":{"a":"x"}}', 'missing /authTokens/*/token'],
    ['a list in place of all', '[]', 'missing /authTokens/*/token'],
  ])('looks for a token below each account: %s', (_, text, problem) => {
    expect(missingPart({ ...auth, require: ['/authTokens/*/token'] }, text)).toBe(problem);
  });

  it.each<[string, string | undefined]>([
    [`// mine\n${whole}`, undefined],
    [whole.replace('{', '{ /* " */'), undefined],
    [whole.replace(/\}$/, ',}'), undefined],
    ['// {', 'truncated'],
    ['// mine\n{', 'truncated'],
    ['{ // }', 'not JSON'],
    ['{} // "tokens"', 'missing /tokens/access_token'],
  ])('reads comments only where the manifest says jsonc: %j', (text, problem) => {
    expect(missingPart({ ...auth, format: 'jsonc' }, text)).toBe(problem);
    if (problem === undefined) expect(missingPart(auth, text)).toMatch(/^(not JSON|truncated)$/);
  });

  it('asks of a text file only that it is not empty', () => {
    expect(missingPart({ ...auth, format: 'text' }, '{')).toBeUndefined();
  });
});

describe('missingParts', () => {
  const settings: CredentialFileItem = { ...auth, id: 'settings', role: 'settings', require: [] };
  const key = credentialItemSchema.parse({ as: 'environment', id: 'key', name: 'API_KEY', from: 'user' });

  it('names the item and the problem', () => {
    expect(missingParts([auth, settings], { auth: '{', settings: '[' })).toEqual([
      { item: 'auth', problem: 'truncated' },
      { item: 'settings', problem: 'truncated' },
    ]);
  });

  it('lets settings be absent that require nothing, but not those that do', () => {
    expect(missingParts([auth, settings], { auth: whole })).toEqual([]);
    const needed = { ...settings, require: ['/account'] };
    expect(missingParts([auth, needed], { auth: whole })).toEqual([{ item: 'settings', problem: 'absent' }]);
  });

  it('takes an API key alone as a whole credential, and files without it as well', () => {
    expect(missingParts([auth, key], { key: 'sk-1' })).toEqual([]);
    expect(missingParts([auth, settings, key], { key: 'sk-1', settings: whole })).toEqual([]);
    expect(missingParts([auth, key], { key: 'sk-1', auth: '{' })).toEqual([{ item: 'auth', problem: 'truncated' }]);
    expect(missingParts([auth, key], { auth: whole })).toEqual([]);
    expect(missingParts([auth, key], { key: ' ' })).toEqual([{ item: 'auth', problem: 'absent' }]);
    expect(missingParts([key], {})).toEqual([{ item: 'key', problem: 'absent' }]);
    expect(missingParts([key], { key: '' })).toEqual([{ item: 'key', problem: 'empty' }]);
  });

  it('does not let an API key hide a half-written file', () => {
    expect(missingParts([auth, key], { key: 'sk-1', auth: '{' })).toEqual([{ item: 'auth', problem: 'truncated' }]);
  });
});
