import { describe, expect, it } from 'vitest';

import { createSecretNames } from './secret-names.ts';
import { showRequest } from './shown-request.ts';

const secret = 'hunter2-hunter2';
const shown = (type: string, body: string, query = ''): string => {
  const request = { query, headers: { 'content-type': type, 'x-data': `{"token":"${secret}"}` }, body };
  return JSON.stringify(showRequest(request, createSecretNames()));
};

describe('a request that is shown', () => {
  const part = (name: string, value: string): string =>
    `--b-1\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

  it.each([
    ['a field of a form', 'application/x-www-form-urlencoded', `user=ada&password=${secret}`],
    [
      'JSON in a field of a form',
      'application/x-www-form-urlencoded',
      `d=${encodeURIComponent(`{"token":"${secret}"}`)}`,
    ],
    ['a part', 'multipart/form-data; boundary=b-1', `${part('user', 'ada')}${part('password', secret)}--b-1--\r\n`],
    ['JSON in a part', 'multipart/form-data; boundary="b-1"', `${part('d', `{"a":{"token":"${secret}"}}`)}--b-1--\r\n`],
    ['JSON', 'application/json', `{"user":"ada","auth":{"token":"${secret}"}}`],
    ['JSON in JSON', 'application/json', JSON.stringify({ body: JSON.stringify({ password: secret }) })],
    ['a URL in JSON', 'application/json', JSON.stringify({ next: `https://x.test/?token=${secret}&a=1` })],
    ['lines of JSON', 'application/x-ndjson', `{"a":1}\n{"token":"${secret}"}\n`],
    ['YAML', 'text/plain', `auth:\n  token: &mine ${secret}\n`],
    ['a value with a secret and more', 'text/plain', `password: ${secret},and more of it\n`],
  ])('hides the secret of %s', (_name, type, body) => {
    const text = shown(type, body);
    expect(text).not.toContain(secret);
    expect(text).not.toContain('and more of it');
    expect(text).toContain('[secret 1]');
  });

  it('hides the secret of JSON in its query', () => {
    const text = shown('', '', `request=${encodeURIComponent(`{"token":"${secret}"}`)}&plan=pro`);
    expect(text).not.toContain(secret);
    expect(text).toContain('plan=pro');
  });

  it('keeps harmless values', () => {
    expect(shown('multipart/form-data; boundary=b-1', `${part('user', 'ada')}--b-1--\r\n`)).toContain('ada');
    expect(shown('application/json', '{"text":"the code: 1 of 10"}')).toContain('the code: 1 of 10');
  });
});
