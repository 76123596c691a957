import { expect, it } from 'vitest';

import { secureOrigin } from './public-address.ts';

it.each([
  ['https://app.example.com', 'https://app.example.com'],
  ['https://app.example.com/', 'https://app.example.com'],
  ['https://app.example.com:8443', 'https://app.example.com:8443'],
  ['http://localhost:3000', 'http://localhost:3000'],
  ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
  ['http://[::1]:3000', 'http://[::1]:3000'],
])('%s is the origin %s', (text, origin) => {
  expect(secureOrigin(text)).toBe(origin);
});

it.each([
  'http://app.example.com',
  'http://localhost.example.com',
  'https://app.example.com/path',
  'https://app.example.com?x',
  'https://app.example.com#x',
  'https://user@app.example.com',
  'https://APP.example.com',
  'https://app.example.com:443',
  ' https://app.example.com',
  'https://*.example.com',
  'app.example.com',
  'null',
  '*',
  'file:///etc/passwd',
  'javascript:alert(1)',
  '',
])('%j is not an origin that pages may have here', (text) => {
  expect(secureOrigin(text)).toBeUndefined();
});
