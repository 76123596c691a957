import { describe, expect, it } from 'vitest';

import { createRedactor } from './redact.ts';
import { rememberSecrets } from './remember-secrets.ts';

const token = 'a-token-without-a-known-shape';

function redactAfter(text: string): string {
  const redactor = createRedactor();
  rememberSecrets(redactor, { '~/auth.json': text });
  return redactor.redact(`got ${token}`);
}

describe('the secrets of a credential', () => {
  it.each([
    ['plain text', `${token}\n`],
    ['JSON', JSON.stringify({ tokens: [{ access: token }] })],
    ['JSON with comments', `{ /* new */ "access": "${token}", }`],
    ['TOML', `[auth]\ntoken = "${token}" # mine\n`],
    ['YAML', `github.com:\n  oauth_token: ${token}\n`],
    ['JSON that is cut off', `{"access": "${token}", "x`],
    ['lists of any depth', `${'['.repeat(100_000)}"${token}"${']'.repeat(100_000)}`],
    ['objects of any depth', `${'{"a":'.repeat(100_000)}"${token}"${'}'.repeat(100_000)}`],
  ])('are remembered from %s', (_form, text) => {
    expect(redactAfter(text)).toBe('got [redacted]');
  });

  it('are not short texts', () => {
    const redactor = createRedactor();
    rememberSecrets(redactor, { '~/auth.json': '{"kind":"subscription"}' });
    expect(redactor.redact('a subscription')).toBe('a subscription');
  });
});
