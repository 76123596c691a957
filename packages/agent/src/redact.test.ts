import { describe, expect, it } from 'vitest';

import { createRedactor } from './redact.ts';

describe('redaction', () => {
  it.each([
    ['a web token', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl now'],
    ['an API key', 'key sk-ant-oat01-abcdefghijklmnop'],
    ['a refresh token', 'rt-abcdefghijklmnop'],
    ['a code in a link', 'http://localhost/cb?code=abcDEF123&x=1'],
    ['a state in a link', 'https://a.example/?state=abcDEF123'],
    ['a token of GitHub', 'Logged in with gho_abcdefghijklmnop0123 as ada'],
    ['a fine-grained token of GitHub', 'github_pat_11ABCDEFG0abcdefghijklmnop'],
    ['a secret in TOML', 'password = "abcDEF123-x"'],
    ['a secret in YAML', 'oauth_token: abcDEF123-x'],
    ['a secret in JSON with comments', '"apiKey": /* mine */ "abcDEF123-x", // of today'],
    ['a token in JSON', '{"refresh_token": "abcDEF123"}'],
  ])('takes out %s', (_, text) => {
    const clean = createRedactor().redact(text);
    expect(clean).toContain('[redacted]');
    expect(clean).not.toMatch(/abcdefghijklmnop|abcDEF123|eyJ/);
  });

  it.each(['Refreshing the token: invalid_grant', 'token_uri = "https://id.example/token2"', 'The key: see page 12'])(
    'leaves a message readable: %s',
    (text) => {
      expect(createRedactor().redact(text)).toBe(text);
    },
  );

  it('takes out every secret it was told of, and leaves ordinary words alone', () => {
    const redactor = createRedactor();
    redactor.add('my-answer');
    redactor.add('a');
    redactor.add('');
    expect(redactor.redact('said my-answer, and a word')).toBe('said [redacted], and a word');
  });
});
