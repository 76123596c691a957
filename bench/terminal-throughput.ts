import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createLogin, step } from '@sallyport/core/engine';
import { manifest } from '@sallyport/provider-gemini';

import { createTerminalWatch } from '../packages/agent/src/login/terminal-watch.ts';
import { createScreen } from '../packages/agent/src/terminal/screen.ts';
import type { Bench } from './bench.ts';

const RECORDING = join(
  import.meta.dirname,
  '../packages/provider-gemini/src/__fixtures__/transcripts/gemini-0.61.0-login-browser-2000x50.bin',
);
const MEGABYTE = 1_000_000;
/** 20 MB/s. */
const LIMIT_MS_PER_MB = 50;
/** What one read of a pty brings at most. */
const PIECE = 4096;
const WARM_UP = 5;

/**
 * Terminal output of a CLI through the agent's screen and the login engine, in the pieces in which a pty delivers it.
 * The largest recorded login, a screen of 2000 columns that is painted again and again; in milliseconds for each
 * megabyte, so 50 is 20 MB/s.
 */
export const terminalThroughput: Bench = {
  name: 'terminal-throughput',
  run: async (_world, count) => {
    const bytes = await readFile(RECORDING);
    const samples: number[] = [];
    for (let round = -WARM_UP; round < count; round += 1) {
      const took = await play(bytes);
      if (round >= 0) samples.push((took * MEGABYTE) / bytes.length);
    }
    return [{ title: 'a megabyte of terminal output', kind: 'value', unit: 'ms', samples, limit: LIMIT_MS_PER_MB }];
  },
};

async function play(bytes: Uint8Array): Promise<number> {
  const method = manifest.logins.find(({ drive }) => drive.kind === 'terminal' && drive.columns === 2000);
  if (method?.drive.kind !== 'terminal') throw new Error('No login of this provider has a screen of 2000 columns.');
  const { columns, rows } = method.drive;
  const screen = createScreen({ columns, rows });
  const over = new AbortController();
  let state = createLogin(method);
  let looks = 0;
  const watch = createTerminalWatch({
    screen,
    clock: systemClock,
    signal: over.signal,
    onView: (view) => {
      looks += 1;
      ({ state } = step(state, { type: 'screen', screen: view }));
    },
  });
  const began = performance.now();
  for (let start = 0; start < bytes.length; start += PIECE) await watch.show(bytes.subarray(start, start + PIECE));
  watch.look();
  const took = performance.now() - began;
  over.abort();
  screen.dispose();
  if (looks === 0) throw new Error('Nobody looked at the screen.');
  return took;
}
