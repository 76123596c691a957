import { describe, expect, it } from 'vitest';

import { createScreen } from './screen.ts';
import { incompleteTail } from './utf8.ts';

describe('incompleteTail', () => {
  it.each([
    ['nothing', [], 0],
    ['letters', [0x61, 0x62], 0],
    ['a whole character of three bytes', [0xe2, 0x80, 0xa6], 0],
    ['one byte of three', [0x61, 0xe2], 1],
    ['two bytes of three', [0x61, 0xe2, 0x80], 2],
    ['three bytes of four', [0xf0, 0x9f, 0x98], 3],
    ['continuation bytes without a first', [0x80, 0x80, 0x80, 0x80], 0],
    ['a byte that no character starts with', [0xff], 0],
    ['one byte of two', [0xc3], 1],
  ])('of %s', (_, bytes, length) => {
    expect(incompleteTail(Uint8Array.from(bytes))).toBe(length);
  });
});

describe('the screen', () => {
  const text = 'é…😀 Signing in… ü';
  const bytes = new TextEncoder().encode(text);

  it('shows every character, wherever the bytes were cut', async () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const screen = createScreen({ columns: 80, rows: 4 });
      await screen.write(bytes.subarray(0, cut));
      await screen.write(bytes.subarray(cut));
      expect(screen.view().lines[0], String(cut)).toBe(text);
      screen.dispose();
    }
  });

  it('shows every character, also byte by byte and across its own slices', async () => {
    const screen = createScreen({ columns: 80, rows: 4, maxBytes: 1e6 });
    for (const byte of bytes) await screen.write(Uint8Array.of(byte));
    expect(screen.view().lines[0]).toBe(text);
    const many = new TextEncoder().encode(`\r\n${'…'.repeat(4001)}\r\n`);
    await screen.write(many);
    expect(screen.view().lines.find((line) => line.length > 4000)).toBe('…'.repeat(4001));
    screen.dispose();
  });
});
