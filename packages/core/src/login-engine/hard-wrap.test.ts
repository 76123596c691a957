import { describe, expect, it } from 'vitest';

import { matchWhole } from './hard-wrap.ts';

const token = `sk-ant-oat01-${'aB3'.repeat(40)}`;
const matcher = { pattern: '(sk-ant-oat01-[A-Za-z0-9_-]+)' };
const widths = Array.from({ length: 132 - 60 + 1 }, (_, index) => 60 + index);

function wrapped(value: string, width: number): string {
  return value.replace(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\n');
}

describe('a value that its CLI has broken', () => {
  it('is found whole at every width, padded and in a frame too', () => {
    for (const width of widths) {
      const rows = wrapped(token, width).split('\n');
      const shown = [rows, rows.map((row) => row.padEnd(width + 4)), rows.map((row) => `│ ${row.padEnd(width)} │`)].map(
        (lines) => ['Your token:', '', ...lines, '', 'Keep it.'].join('\n'),
      );
      expect(
        shown.map((text) => matchWhole(matcher, text)),
        String(width),
      ).toEqual([token, token, token]);
    }
  });

  it.each([
    ['a box in ASCII', (row: string) => `| ${row.padEnd(76)} |`, `+${'-'.repeat(78)}+`],
    ['a box of equals signs', (row: string) => `! ${row.padEnd(76)} !`, `+${'='.repeat(78)}+`],
    ['a box of asterisks', (row: string) => `* ${row.padEnd(76)} *`, '*'.repeat(80)],
    ['a rule', (row: string) => row, '-'.repeat(76)],
    ['an emoji before each row', (row: string) => `🔗 ${row}`, '粘贴这个令牌'],
    ['an emoji of two parts before each row', (row: string) => `🖥\ufe0f ${row}`, ''],
  ])('is found whole in %s', (_what, frame, edge) => {
    const text = [edge, ...wrapped(token, 76).split('\n').map(frame), edge, 'Keep it.'].join('\n');
    expect(matchWhole(matcher, text)).toBe(token);
  });

  it.each([
    ['its last part may be a word', [token.slice(0, 76), 'Done']],
    ['its rows are not full to the same column', [token.slice(0, 76), token.slice(76, 90), token.slice(90)]],
    ['a row has more than a part of it', [token.slice(0, 60), token.slice(60, 120), `${token.slice(120)} and more`]],
  ])('is not found at all where %s', (_what, lines) => {
    expect(matchWhole(matcher, [...lines, ''].join('\n'))).toBeUndefined();
  });
});
