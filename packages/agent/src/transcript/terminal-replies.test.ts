import { describe, expect, it } from 'vitest';

import { createTerminalInput, withoutSplitReplies } from './terminal-replies.ts';

const ESC = '\u001b';
const keysIn = (...pieces: readonly string[]): string => {
  const input = createTerminalInput();
  return pieces.map((piece) => input.keysIn(piece)).join('');
};

const replies: readonly (readonly [name: string, reply: string])[] = [
  ['primary device attributes', `${ESC}[?62;22c`],
  ['secondary device attributes', `${ESC}[>41;390;0c`],
  ['a cursor position', `${ESC}[12;40R`],
  ['a DEC cursor position', `${ESC}[?12;40;1R`],
  ['a device status', `${ESC}[0n`],
  ['the colour scheme', `${ESC}[?997;1n`],
  ['a mode', `${ESC}[?2026;2$y`],
  ['kitty keyboard flags', `${ESC}[?0u`],
  ['modified keys', `${ESC}[>4;0m`],
  ['a size', `${ESC}[8;50;200t`],
  ['terminal parameters', `${ESC}[2;1;1;128;128;1;0x`],
  ['the focus', `${ESC}[I`],
  ['a colour that ends with a bell', `${ESC}]11;rgb:1e1e/1e1e/1e1e\u0007`],
  ['a colour that ends with ST', `${ESC}]10;rgb:ffff/ffff/ffff${ESC}\\`],
  ['the name of the terminal', `${ESC}P>|XTerm(390)${ESC}\\`],
  ['an answer about graphics', `${ESC}_Gi=31;OK${ESC}\\`],
];

describe('what a terminal answers', () => {
  it.each(replies)('is not a key: %s', (_name, reply) => {
    expect(keysIn(`a${reply}b`)).toBe('ab');
  });

  it.each(replies)('is not a key in two pieces either: %s', (_name, reply) => {
    // A lone Escape at the end of a piece is a key: nobody knows what comes.
    for (let cut = 2; cut < reply.length; cut += 1) {
      expect(keysIn(`a${reply.slice(0, cut)}`, `${reply.slice(cut)}b`), `cut at ${cut}`).toBe('ab');
    }
  });

  it.each(replies)('is not a key where its Escape came alone: %s', (_name, reply) => {
    const input = createTerminalInput();
    const pieces = ['a', ESC, reply.slice(1, 4), reply.slice(4), 'b'].map(
      (piece, second) => [second, input.keysIn(piece)] as const,
    );
    expect(withoutSplitReplies(pieces)).toEqual([
      [0, 'a'],
      [4, 'b'],
    ]);
  });

  it('is taken out where several come at once', () => {
    expect(keysIn(replies.map(([, reply]) => reply).join(''))).toBe('');
  });
});

describe('what a user presses', () => {
  it.each([
    ['Enter', '\r'],
    ['Escape', ESC],
    ['an arrow', `${ESC}[A`],
    ['an arrow of the application mode', `${ESC}OA`],
    ['a function key', `${ESC}[15~`],
    ['Shift and Tab', `${ESC}[Z`],
    ['a key in the way of kitty', `${ESC}[97;5u`],
    ['Alt and a letter', `${ESC}x`],
    ['a paste in brackets', `${ESC}[200~CODE#STATE${ESC}[201~`],
    ['text', 'größer [1;2R ?c'],
  ])('stays: %s', (_name, keys) => {
    expect(keysIn(keys)).toBe(keys);
    expect(keysIn(...Array.from(keys))).toBe(keys);
    expect(withoutSplitReplies([[1, keys]])).toEqual([[1, keys]]);
  });

  it('does not wait for ever behind a string that never ends', () => {
    expect(keysIn(`${ESC}]${'x'.repeat(5000)}`, 'a')).toMatch(/xa$/);
  });
});
