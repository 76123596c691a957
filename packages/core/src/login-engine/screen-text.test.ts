import { describe, expect, it } from 'vitest';

import { plainText, screenExcerpt } from './screen-text.ts';

describe('the plain text of a line', () => {
  it.each([
    ['a soft hyphen', '\u00ad'],
    ['a zero-width space', '\u200b'],
    ['a joiner', '\u200d'],
    ['a right-to-left override', '\u202e'],
    ['a word joiner', '\u2060'],
    ['an invisible separator', '\u2063'],
    ['an isolate', '\u2068'],
    ['an Arabic letter mark', '\u061c'],
    ['a byte order mark', '\ufeff'],
    ['a tag', '\u{e0041}'],
    ['a line separator', '\u2028'],
    ['a C1 control', '\u009b'],
  ])('has no %s', (_name, character) => {
    expect(plainText(`9P2F${character}-XQ7K ${character}`)).toBe('9P2F-XQ7K ');
  });
});

describe('the excerpt of a screen', () => {
  it.each([
    ['rounded lines', '╭', '─', '╮', '│', '╯'],
    ['double lines', '╔', '═', '╗', '║', '╝'],
    ['heavy lines', '┏', '━', '┓', '┃', '┛'],
    ['ASCII', '+', '-', '+', '|', '+'],
    ['equals signs', '+', '=', '+', '|', '+'],
    ['number signs', '#', '#', '#', '#', '#'],
    ['asterisks', '*', '*', '*', '*', '*'],
    ['dots', '.', '-', '.', ':', "'"],
  ])('has a question once and not its box of %s', (_name, corner, edge, right, side, last) => {
    const box = [
      `${corner}${edge.repeat(3)} Trust? ${edge.repeat(20)}${right}`,
      `${side}${' '.repeat(31)}${side}`,
      `${side} Do you trust 日本語 🙂?${' '.repeat(9)}${side}`,
      `${side} > 1. Yes${' '.repeat(22)}${side}`,
      `${side}   2. No | Exit${' '.repeat(16)}${side}`,
      `${last}${edge.repeat(31)}${last}`,
    ];
    const question = ['Trust?', 'Do you trust 日本語 🙂?', '> 1. Yes', '2. No | Exit'].join('\n');
    expect(screenExcerpt({ lines: [...box, '', ...box], links: [] })).toBe(question);
  });

  it('keeps signs outside of boxes', () => {
    const lines = ['* one item', 'a | b', '- other --yes', '# a title', 'Wait...', '| only left', 'only right |'];
    const text = ['* one item', 'a | b', '- other --yes', '# a title', 'Wait...', 'only left', 'only right'].join('\n');
    expect(screenExcerpt({ lines, links: [] }, 7)).toBe(text);
  });
});
