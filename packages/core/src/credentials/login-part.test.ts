import { expect, it } from 'vitest';

import { loginPart } from './login-part.ts';

const text = JSON.stringify({ login: { access: 'a', refresh: 'r' }, mcp: { server: 'token' } });

it('leaves out of a merged file what is not the login', () => {
  const require = ['/login/access', '/login/refresh'];
  expect(JSON.parse(loginPart({ write: 'merge-json', require }, text))).toEqual({
    login: { access: 'a', refresh: 'r' },
  });
});

it.each([
  ['a file that is replaced whole', { write: 'replace', require: ['/login'] }, text],
  ['a map that may have any key', { write: 'merge-json', require: ['/*/access'] }, text],
  ['what requires nothing', { write: 'merge-json', require: [] }, text],
  ['a damaged text', { write: 'merge-json', require: ['/login'] }, '{"login":'],
] as const)('keeps %s as it is', (_what, item, given) => {
  expect(loginPart(item, given)).toBe(given);
});
