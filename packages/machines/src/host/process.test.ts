import { describe, expect, it } from 'vitest';

import { identifyProcess, isRunning, parseStat } from './process.ts';

/** As Linux 6.1 writes it: of a process of `threads` threads that started at 4242. */
const stat = (state: string, threads: number, name = 'node'): string =>
  `100 (${name}) ${state} 1 100 100 0 -1 4227084 5 0 0 0 3 1 0 0 20 0 ${threads} 0 4242 0 0 18446744073709551615 0 0 0\n`;

describe('a process', () => {
  it('runs while any of its threads does, though its first one is a zombie', () => {
    expect(parseStat(stat('Z', 2)).hasEnded).toBe(false);
    expect(parseStat(stat('Z', 1)).hasEnded).toBe(true);
    expect(parseStat(stat('Z', 0)).hasEnded).toBe(true);
    expect(parseStat(stat('X', 1)).hasEnded).toBe(true);
    expect(parseStat(stat('S', 1)).hasEnded).toBe(false);
  });

  it('is known by when it started, whatever its program is called', () => {
    expect(parseStat(stat('R', 3, 'a) Z 1 (b'))).toEqual({ hasEnded: false, startTime: '4242' });
  });

  it('is this one, and none where there is no such number', async () => {
    const self = await identifyProcess(process.pid);
    expect(self && (await isRunning(self))).toBe(true);
    expect(self && (await isRunning({ ...self, born: `${self.born}0` }))).toBe(false);
    expect(await identifyProcess(2 ** 30)).toBeUndefined();
  });
});
