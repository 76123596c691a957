import { tmpdir } from 'node:os';

import { systemClock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { recordTerminal } from './record.ts';

describe('the recording of a terminal', () => {
  it('gives the CLI what the terminal answers, and keeps only the keys', async () => {
    const script = `stty -echo; printf '\\033[6n'; read answer; printf '%s' "$answer" | od -An -c`;
    async function* keys(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('\u001b[12;');
      yield Buffer.from('40R');
      yield Buffer.from('\r');
    }
    const { bytes, sent, exit } = await recordTerminal({
      command: {
        file: '/bin/sh',
        argv: ['-c', script],
        env: { PATH: '/usr/bin:/bin' },
        cwd: tmpdir(),
        columns: 80,
        rows: 24,
      },
      keys: keys(),
      show: () => {},
      clock: systemClock,
      signal: new AbortController().signal,
    });
    expect(exit).toBe(0);
    expect(Buffer.from(bytes).toString().replace(/\s+/g, '')).toContain('033[12;40R');
    expect(sent.map(([, pressed]) => pressed)).toEqual(['\r']);
  });
});
