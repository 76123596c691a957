import { startLoginRequestSchema } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { loginRequest } from '../__fixtures__/test-agent.ts';
import { findSecrets } from './find-secrets.ts';

const { method } = startLoginRequestSchema.parse(loginRequest());
const nothing = {
  method,
  credentials: [],
  typed: '',
  opened: [],
  printed: new Uint8Array(),
  screen: { lines: [], links: [] },
};
const found = (sources: Partial<Parameters<typeof findSecrets>[0]>): readonly string[] => [
  ...findSecrets({ ...nothing, ...sources }),
];

describe('the secrets of a recorded login', () => {
  it('are what the credential holds, but not what the manifest says itself', () => {
    const credential = JSON.stringify({
      tokens: { refresh: 'r3fresh-token' },
      issuer: 'id.example.com',
      user: 'a@b.test',
    });
    expect(found({ credentials: [credential] })).toEqual(['r3fresh-token', 'a@b.test']);
  });

  it('are what was typed, key by key', () => {
    expect(found({ typed: '\rCODE#STATE\r' })).toContain('CODE#STATE');
  });

  it('are what was pasted, which a terminal puts into brackets, and what was typed with corrections', () => {
    expect(found({ typed: '\u001b[200~CODE#STATE\u001b[201~\r' })).toContain('CODE#STATE');
    expect(found({ typed: 'first-half\u007f\u001b[Dsecond-half\r' })).toEqual(
      expect.arrayContaining(['first-half', 'second-half']),
    );
  });

  it('are the one-time values of a link, and tokens, that are on the clipboard alone', () => {
    const text = 'https://id.example.com/authorize?state=copied-1&token=sk-ant-oat01-abcdefghijklmnop';
    const printed = new TextEncoder().encode(`\u001b]52;c;${Buffer.from(text).toString('base64')}\u0007`);
    expect(found({ printed })).toEqual(expect.arrayContaining(['copied-1', 'sk-ant-oat01-abcdefghijklmnop']));
  });

  it('are the one-time values of links that were printed, hidden behind a word or opened', () => {
    const link = (state: string): string => `https://id.example.com/authorize?client_id=app&state=${state}&scope=all`;
    const links = {
      printed: new TextEncoder().encode(`Open ${link('printed-1')}\r\n`),
      screen: { lines: [], links: [link('hidden-2')] },
      opened: [link('opened-3')],
    };
    expect(found(links).toSorted()).toEqual(['hidden-2', 'opened-3', 'printed-1']);
  });

  it('are tokens that nobody has told of, and the code for another device', () => {
    const lines = ['Your token: sk-ant-oat01-abcdefghijklmnop', 'Enter ABCD-12345 there'];
    const coded = { ...method, userCode: { pattern: 'Enter ([A-Z]+-[0-9]+) there' } };
    expect(found({ method: coded, screen: { lines, links: [] } })).toEqual([
      'sk-ant-oat01-abcdefghijklmnop',
      'ABCD-12345',
    ]);
  });
});
