import { expect, it } from 'vitest';

import { parseEndpoint } from './endpoint.ts';

it.each([
  'https://example.com/hook',
  'http://127.0.0.1:8080/',
  'http://127.1/',
  'http://[::1]:1/',
  'http://localhost/',
])('posts to %s', (url) => {
  expect(parseEndpoint(url).href).toBe(new URL(url).href);
});

it.each([
  'http://example.com/hook',
  'http://127.0.0.1.example.com/',
  'http://localhost.example.com/',
  'http://0.0.0.0/',
  'ftp://127.0.0.1/',
  'https://name:password@example.com/',
  'example.com/hook',
])('refuses %s, without repeating it', (url) => {
  expect(() => parseEndpoint(url)).toThrow(/^The URL of the webhook (?!.*example)/);
});
