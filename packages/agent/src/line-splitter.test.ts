import { describe, expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { countScanned } from '../../testkit/src/count-scanned.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { Line } from './line-splitter.ts';

function split(text: string, chunkSize: number, longestLine = 1_000_000): readonly Line[] {
  const splitter = createLineSplitter(longestLine);
  const bytes = Buffer.from(text);
  const lines: Line[] = [];
  for (let at = 0; at < bytes.length; at += chunkSize) lines.push(...splitter.push(bytes.subarray(at, at + chunkSize)));
  return [...lines, ...splitter.end()];
}

describe('the line splitter', () => {
  it.each([1, 2, 3, 1_000])('gives the same lines in chunks of %i bytes', (size) => {
    expect(split('größe\r\n\n0123456789\nend', size, 8)).toEqual([
      { text: 'größe', dropped: 0 },
      { text: '', dropped: 0 },
      { text: '01234567', dropped: 2 },
      { text: 'end', dropped: 0 },
    ]);
  });

  it.each([
    ['one long line in chunks of one byte', `${'x'.repeat(20_000)}\n`, 1],
    ['many short lines in one chunk', 'x\n'.repeat(10_000), 20_000],
  ])('looks at each character a few times at most: %s', async (_what, text, size) => {
    const scanned = await countScanned(async () => split(text, size));
    expect(scanned).toBeLessThan(10 * text.length);
  });
});
