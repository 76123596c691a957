import { describe, expect, it } from 'vitest';

import { BUNDLE_BLOCK_BYTES, bundleSha256, decodeBundle, encodeBundle } from './bundle.ts';

describe('a credential bundle', () => {
  it('comes back as it was, line ends, emoji and lone surrogates included', () => {
    const files = { auth: '{\r\n"token":"\u{1F511}"}\n', note: 'half \ud83d', empty: '' };
    expect(decodeBundle(encodeBundle({ files }))).toEqual({ files });
    const facts = { kind: 'plan', blank: false, account: 'a@example.com' } as const;
    expect(decodeBundle(encodeBundle({ files, facts }))).toEqual({ files, facts });
  });

  it('keeps a file whose id is the name of a special property', () => {
    const files: Record<string, string> = Object.fromEntries([['__proto__', 'text']]);
    expect(Object.entries(decodeBundle(encodeBundle({ files })).files)).toEqual([['__proto__', 'text']]);
  });

  it('is always a multiple of 1 KiB, so that its length tells little', () => {
    const lengths = [0, 1, 900, 997, 1003, 1024, 5000].map(
      (size) => encodeBundle({ files: { a: 'x'.repeat(size) } }).length,
    );
    expect(lengths).toEqual([1024, 1024, 1024, 1024, 2048, 2048, 5120]);
    expect(lengths.every((length) => length % BUNDLE_BLOCK_BYTES === 0)).toBe(true);
  });

  it('has the same hash in whatever order the files are given, and another for other text', () => {
    expect(bundleSha256({ a: '1', b: '2' })).toBe(bundleSha256({ b: '2', a: '1' }));
    expect(bundleSha256({ a: '1', b: '2' })).not.toBe(bundleSha256({ a: '2', b: '1' }));
    expect(bundleSha256({ a: '1' })).toMatch(/^[0-9a-f]{64}$/);
  });

  it('takes a file of 256 KiB and refuses one byte more, counted in UTF-8', () => {
    expect(() => encodeBundle({ files: { auth: 'x'.repeat(262_144) } })).not.toThrow();
    expect(() => encodeBundle({ files: { auth: 'x'.repeat(262_145) } })).toThrow(/"auth" is larger than 256 KiB/);
    expect(() => encodeBundle({ files: { auth: 'ü'.repeat(131_073) } })).toThrow(
      expect.objectContaining({ code: 'CREDENTIAL_TOO_LARGE' }),
    );
  });

  it.each([
    '',
    'null',
    '[]',
    '{"v":2,"files":{}}',
    '{"v":1}',
    '{"v":1,"files":{"a":1}}',
    '{"v":1,"files":{}',
    '{"v":1,"files":{},"facts":{}}',
    '\xff',
  ])('is unreadable when the bytes are %j', (text) => {
    expect(() => decodeBundle(Buffer.from(text, 'latin1'))).toThrow(
      expect.objectContaining({ code: 'CREDENTIAL_UNREADABLE' }),
    );
  });
});
