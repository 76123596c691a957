import { describe, expect, it } from 'vitest';

import { createScreen } from './screen.ts';
import type { Screen, ScreenOptions } from './screen.ts';

const ESC = '\u001b';
const BEL = '\u0007';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function show(text: string, options: Partial<ScreenOptions> = {}): Promise<Screen> {
  const screen = createScreen({ columns: 80, rows: 24, ...options });
  await screen.write(bytes(text));
  return screen;
}

/** Colours, cursor movement, a link, wide characters, wrapping, the alternate screen and back: a small TUI. */
const busy = [
  `${ESC}[2J${ESC}[1;1H${ESC}[94mWelcome ${ESC}[1mback${ESC}[0m\r\n`,
  `${ESC}]8;id=7;https://auth.example.com/a?state=ü&x=1${BEL}open 日本語 link${ESC}]8;;${BEL}\r\n`,
  `${'wrapped '.repeat(20)}\r\n${ESC}7${ESC}[5;10r${ESC}[10;1H\n\n\nscrolled${ESC}[r${ESC}8`,
  `${ESC}]8;;https://auth.example.com/b${ESC}\\two${ESC}]8;;${ESC}\\`,
  `${ESC}[?1049hother screen${ESC}[?1049l${ESC}(0lqk${ESC}(B 👍🏽 é\tend ${ESC}[6n${ESC}[2P${ESC}[3@`,
].join('');

describe('the screen', () => {
  it('joins what the terminal wrapped into one line', async () => {
    const url = `https://auth.example.com/authorize?${'x'.repeat(300)}`;
    expect((await show(`Go to\r\n${url}\r\nthen come back`)).view().lines).toEqual(['Go to', url, 'then come back']);
  });

  it('keeps a wide character that did not fit on the row together with its line', async () => {
    expect((await show(`${'a'.repeat(9)}日本`, { columns: 10 })).view().lines).toEqual([`${'a'.repeat(9)}日本`]);
  });

  it('shows overwritten text as a user would see it', async () => {
    const screen = await show(`https://evil.example/login\rhttps://good.example/login${ESC}[K\r\n`);
    expect(screen.view().lines).toEqual(['https://good.example/login']);
  });

  it('puts characters together that arrive byte by byte', async () => {
    const screen = createScreen({ columns: 80, rows: 24 });
    for (const byte of bytes('größer 日本 👍')) await screen.write(Uint8Array.of(byte));
    expect(screen.view().lines).toEqual(['größer 日本 👍']);
  });

  it('lists link targets in order of appearance, without repeats, whatever the chunks', async () => {
    const link = (target: string, end: string): string => `${ESC}]8;id=1;${target}${end}text${ESC}]8;;${end}`;
    const text =
      link('https://b.example/1;2', BEL) + link('https://a.example/', `${ESC}\\`) + link('https://b.example/1;2', BEL);
    for (let split = 0; split <= text.length; split++) {
      const screen = await show(text.slice(0, split));
      await screen.write(bytes(text.slice(split)));
      expect(screen.view().links).toEqual(['https://b.example/1;2', 'https://a.example/']);
    }
  });

  it('leaves out links that are longer than any sign-in link', async () => {
    expect((await show(`${ESC}]8;;https://a.example/${'x'.repeat(9000)}${BEL}t`)).view().links).toEqual([]);
  });

  it.each([
    ['device attributes', `${ESC}[c`, `${ESC}[?1;2c`],
    ['status', `${ESC}[5n`, `${ESC}[0n`],
    ['cursor position', `${ESC}[3;4H${ESC}[6n`, `${ESC}[3;4R`],
    ['foreground colour', `${ESC}]10;?${BEL}`, `${ESC}]10;rgb:d0d0/d0d0/d0d0${ESC}\\`],
    ['background colour', `${ESC}]11;?${ESC}\\`, `${ESC}]11;rgb:0000/0000/0000${ESC}\\`],
    ['both colours', `${ESC}]10;?;?${BEL}`, `${ESC}]10;rgb:d0d0/d0d0/d0d0${ESC}\\${ESC}]11;rgb:0000/0000/0000${ESC}\\`],
    ['keyboard flags', `${ESC}[?u`, `${ESC}[?0u`],
  ])('answers the query for %s', async (_name, query, answer) => {
    const screen = createScreen({ columns: 80, rows: 24 });
    const replies: string[] = [];
    screen.onReply((text) => replies.push(text));
    await screen.write(bytes(`before${query}after`));
    expect(replies.join('')).toBe(answer);
  });

  it('answers neither a clipboard request, nor a title report, nor a colour that is only set', async () => {
    const screen = createScreen({ columns: 80, rows: 24 });
    const replies: string[] = [];
    screen.onReply((text) => replies.push(text));
    await screen.write(bytes(`${ESC}]52;c;?${BEL}${ESC}]0;title${BEL}${ESC}[21t${ESC}]11;#ffffff${BEL}plain`));
    expect(replies).toEqual([]);
    expect(screen.view().lines).toEqual(['plain']);
  });

  it('refuses more output than any login makes', async () => {
    const screen = createScreen({ columns: 80, rows: 24, maxBytes: 1000 });
    await screen.write(bytes('x'.repeat(1000)));
    await expect(screen.write(bytes('y'))).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
  });

  it('keeps at most 2,000 lines', async () => {
    const screen = await show(Array.from({ length: 5000 }, (_, index) => `line ${index}`).join('\r\n'));
    const { lines } = screen.view();
    expect(lines).toHaveLength(2000);
    expect(lines.at(-1)).toBe('line 4999');
  });

  it.each(['b', 'S', 'T', 'L', 'M', 'I', 'Z', '@', 'P', 'X'])(
    'is not held up by two thousand million repetitions of CSI %s',
    async (final) => {
      // The first is quick to carry out, and shows on the screen; the other takes hours, which no time limit of the
      // test could interrupt.
      for (const count of [4001, 2147483647]) {
        const screen = await show(`ab${ESC}[${count}${final}c`, { columns: 2000, rows: 50 });
        expect(screen.view().lines).toEqual(['abc']);
      }
    },
  );

  it('gives the last lines without characters that act on a terminal or reorder text', async () => {
    const screen = await show('first\r\n\r\nsecond \u202edlrow\u202c\r\nthird\u009b31m \u200bend\r\n');
    expect(screen.snapshotText(2)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e]/);
    expect(screen.snapshotText(2)).toContain('second dlrow\n');
  });
});

describe('a checkpoint', () => {
  it('brings back a state from which every split gives what a fresh terminal gives', async () => {
    const all = bytes(busy.repeat(3));
    const whole = await show(busy.repeat(3));
    const expected = whole.view();
    expect(expected.links).toEqual(['https://auth.example.com/a?state=ü&x=1', 'https://auth.example.com/b']);
    for (const start of [0, 1, 50, 77, 78, 300, 640]) {
      const screen = createScreen({ columns: 80, rows: 24 });
      await screen.write(all.subarray(0, start));
      const before = screen.view();
      const rewind = screen.checkpoint();
      for (let split = start; split < Math.min(start + 120, all.length); split++) {
        await screen.write(all.subarray(start, split));
        const fresh = createScreen({ columns: 80, rows: 24 });
        await fresh.write(all.subarray(0, split));
        expect(screen.view()).toEqual(fresh.view());
        await screen.write(all.subarray(split));
        expect(screen.view()).toEqual(expected);
        rewind();
        expect(screen.view()).toEqual(before);
      }
    }
  });

  it('does not count rewound bytes against the limit', async () => {
    const screen = createScreen({ columns: 80, rows: 24, maxBytes: 10 });
    const rewind = screen.checkpoint();
    for (let round = 0; round < 5; round++) {
      await screen.write(bytes('12345678'));
      rewind();
    }
    expect(screen.view().lines).toEqual([]);
  });
});
