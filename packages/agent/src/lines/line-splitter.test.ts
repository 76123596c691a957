import { describe, expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { countScanned } from '../../../testkit/src/count-scanned.ts';
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

  const esc = '\u001b';
  const bel = '\u0007';
  it.each([
    ['bracketed paste mode', `${esc}[?2004h{"a":1}`],
    ['a hidden cursor before and after', `${esc}[?25l{"a":1}${esc}[?25h`],
    ['a title that ends with a bell', `${esc}]0;✳ Claude${bel}{"a":1}`],
    ['a title that ends with a string terminator', `${esc}]0;title${esc}\\{"a":1}`],
    ['a title that does not end', `${esc}]0;title\n{"a":1}`],
    ['a hyperlink', `${esc}]8;;https://a.example/${bel}${esc}]8;;${bel}{"a":1}`],
    ['a byte order mark', '\ufeff{"a":1}'],
    ['a byte order mark behind a sequence', `${esc}[0m\ufeff{"a":1}`],
    ['a return to the start of the line', `\r${esc}[2K\r{"a":1}\r\r`],
    ['a spinner', `⠋${bel}\r⠙\r{"a":1}`],
    ['a saved cursor and a character set', `${esc}7${esc}(B{"a":${esc}[1m1${esc}[0m}${esc}8`],
    ['a hidden cursor in eight bits', '\u009b?25l{"a":1}'],
    ['a title in eight bits', '\u009d0;title\u009c{"a":1}'],
    ['a title in eight bits that ends with a bell', `\u009d0;title${bel}{"a":1}`],
    ['a title that ends in eight bits', `${esc}]0;✳ Claude\u009c{"a":1}`],
    ['colours in eight bits behind the object', '{"a":1}\u009b0m\u009d0;title\u009c'],
    ['other controls of eight bits', '\u0085\u0084\u007f{"a":1}'],
    ['zeros', '\0{"a":\u{0}1}\0'],
    ['the reply to a query', `${esc}P>|xterm${esc}\\{"a":1}`],
  ])('leaves out what steers a terminal: %s', (_what, printed) => {
    for (const size of [1, 2, 3, 1_000]) {
      const lines = split(`before\n${printed}\n{"b":2}\n`, size).map(({ text }) => text);
      expect(lines.filter((text) => text.startsWith('{'))).toEqual(['{"a":1}', '{"b":2}']);
      expect(lines.filter((text) => text === '{"a":1}')).toHaveLength(1);
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      expect(lines.join('')).not.toMatch(/[\0-\u001f]/);
    }
  });

  it('keeps tabs, empty lines, and what JSON has escaped', () => {
    const text = String.raw`{"a":"\u001b[31m\ufeff"}`;
    expect(split(`a\tb\r\n\r\n${text}`, 2).map((line) => line.text)).toEqual(['a\tb', '', text]);
  });

  it('leaves out a byte order mark behind a space', () => {
    expect(split('\ufeff \ufeff{"a":1}', 1)).toEqual([{ text: ' {"a":1}', dropped: 0 }]);
  });

  it('keeps what a string of JSON may hold', () => {
    for (const text of ['{"a":"\u009b1m \u009d \u0085 \u007f \ufeff"}', ' {"a":"\u0090"}', '{"a":"\\ud800"}'])
      for (const size of [1, 2, 1_000]) expect(split(`x\n${text}\nend`, size)[1]).toEqual({ text, dropped: 0 });
  });

  it.each([
    ['one long line in chunks of one byte', `${'x'.repeat(20_000)}\n`, 1],
    ['one long JSON line', `{"a":"${'x'.repeat(20_000)}"}\n`, 7],
    ['many short lines in one chunk', 'x\n'.repeat(10_000), 20_000],
  ])('looks at each character a few times at most: %s', async (_what, text, size) => {
    const scanned = await countScanned(async () => split(text, size, 5_000));
    expect(scanned).toBeLessThan(10 * text.length);
  });
});

describe('a JSON line that is too long', () => {
  const image = 'iVBORw0KGgo'.repeat(1_000);
  const read = (value: unknown, chunkSize = 64, longest = 4_000): { value: unknown; dropped: number } => {
    const [line, next, ...others] = split(`${JSON.stringify(value)}\n{"next":true}\n`, chunkSize, longest);
    expect([next, others]).toEqual([{ text: '{"next":true}', dropped: 0 }, []]);
    expect(line?.text.length).toBeLessThanOrEqual(longest);
    return { value: JSON.parse(line?.text ?? ''), dropped: line?.dropped ?? 0 };
  };

  it.each([1, 7, 100_000])('keeps what follows a long text, in chunks of %i bytes', (size) => {
    const long = `a"\\\n😀${'x'.repeat(20_000)}`;
    const { value, dropped } = read({ type: 'result', result: long, is_error: false, usage: { n: 1 } }, size);
    expect(value).toMatchObject({ type: 'result', is_error: false, usage: { n: 1 } });
    expect(value).toHaveProperty('result', expect.stringMatching(/^a"\\\n😀x+ … \(shortened from \d+ characters\)$/u));
    expect(dropped).toBeGreaterThan(15_000);
  });

  it('keeps the text beside an image, wherever the image is', () => {
    const content = [
      { type: 'image', source: { type: 'base64', data: image } },
      { type: 'text', text: 'a screenshot' },
    ];
    const block = { tool_use_id: 't1', type: 'tool_result', content, is_error: false };
    expect(read({ type: 'user', copy: { data: image }, message: { content: [block] } }).value).toMatchObject({
      message: {
        content: [{ tool_use_id: 't1', content: [{ type: 'image' }, { text: 'a screenshot' }], is_error: false }],
      },
    });
  });

  it('leaves out members of what is inside, not those of the line itself', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => ({ index, nested: [[index]] }));
    let deep: unknown = 1;
    for (let level = 0; level < 3_000; level += 1) deep = [deep];
    const { value } = read({ type: 'x', many, deep, ok: true, last: 'end' });
    expect(value).toMatchObject({ type: 'x', ok: true, last: 'end' });
    expect(value).toHaveProperty('many.0', { index: 0, nested: [[0]] });
  });

  it('never cuts a character in two', () => {
    for (const text of ['😀', String.raw`\ud83d\ude00`, String.raw`\\`, String.raw`\u00e9`]) {
      for (let offset = 0; offset < 12; offset += 1) {
        const line = `{"t":"${'x'.repeat(offset)}${text.repeat(3_000)}","ok":true}`;
        const [cut] = split(`${line}\n`, 5, 2_000);
        const value: unknown = JSON.parse(cut?.text ?? '');
        expect(value).toHaveProperty('ok', true);
        expect(JSON.stringify(value)).not.toMatch(/\\ud[89ab]/);
      }
    }
  });

  it('is cut like any other where it is not JSON after all', () => {
    for (const text of [`{"a":"${'x'.repeat(5_000)}`, `{"a":1}}${' '.repeat(5_000)}`, `{x${'1'.repeat(50_000)}}`])
      expect(split(text, 64, 1_000)).toEqual([{ text: text.slice(0, 1_000), dropped: text.length - 1_000 }]);
  });
});
