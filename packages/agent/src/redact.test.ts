import { describe, expect, it } from 'vitest';

import { createRedactor } from './redact.ts';

describe('redaction', () => {
  it.each([
    ['a web token', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl now'],
    ['an API key', 'key sk-ant-oat01-abcdefghijklmnop'],
    ['a refresh token', 'rt-abcdefghijklmnop'],
    ['a code in a link', 'http://localhost/cb?code=abcDEF123&x=1'],
    ['a state in a link', 'https://a.example/?state=abcDEF123'],
    ['a token in JSON', '{"refresh_token": "abcDEF123"}'],
  ])('takes out %s', (_, text) => {
    const clean = createRedactor().redact(text);
    expect(clean).toContain('[redacted]');
    expect(clean).not.toMatch(/abcdefghijklmnop|abcDEF123|eyJ/);
  });

  it('takes out every secret it was told of, and leaves ordinary words alone', () => {
    const redactor = createRedactor();
    redactor.add('my-answer');
    redactor.add('a');
    redactor.add('');
    expect(redactor.redact('said my-answer, and a word')).toBe('said [redacted], and a word');
  });
});
