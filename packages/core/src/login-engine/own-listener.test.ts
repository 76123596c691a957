import { describe, expect, it } from 'vitest';

import { leadToListener } from './own-listener.ts';

const page = 'https://id.example.com/code/callback';
const callback = { ports: [], path: '/cb', printed: { uri: page, host: 'localhost' as const } };
const written = encodeURIComponent(page);

describe('a printed link', () => {
  it('leads to the listener of the CLI, and changes nowhere else', () => {
    expect(
      leadToListener(`https://id.example.com/authorize?a=%2e&redirect_uri=${written}&state=s`, callback, 4711),
    ).toBe('https://id.example.com/authorize?a=%2e&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fcb&state=s');
    expect(leadToListener(`https://id.example.com/authorize?redirect_uri=${written}`, callback, 4711)).toBe(
      'https://id.example.com/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fcb',
    );
  });

  it.each([
    ['whose port is not known', `https://id.example.com/a?redirect_uri=${written}`, undefined],
    ['to another page', `https://id.example.com/a?redirect_uri=${written}%2Fother`, 4711],
    ['with two of them', `https://id.example.com/a?redirect_uri=${written}&redirect_uri=${written}`, 4711],
    ['that has it in another parameter', `https://id.example.com/a?not_redirect_uri=${written}`, 4711],
    ['without any', 'https://id.example.com/a?state=s', 4711],
  ])('stays what it is: one %s', (_name, link, port) => {
    expect(leadToListener(link, callback, port)).toBe(link);
  });

  it('stays what it is where the method says nothing of printed links', () => {
    const link = `https://id.example.com/a?redirect_uri=${written}`;
    expect(leadToListener(link, { ports: [], path: '/cb' }, 4711)).toBe(link);
  });
});
