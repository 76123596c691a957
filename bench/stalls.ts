import { setImmediate as nextTurn } from 'node:timers/promises';

import { SallyportError } from '@sallyport/core';
import { parseManifest } from '@sallyport/core/provider';
import * as fc from 'fast-check';

import { readAgentAnswer, agentAnswers } from '../test/fuzz/hostile-answers.ts';
import { offers, readOffer } from '../test/fuzz/hostile-credentials.ts';
import { manifestTexts } from '../test/fuzz/hostile-manifests.ts';
import { readSlowLines, slowLines } from '../test/fuzz/hostile-lines.ts';
import { createHostileCaller } from '../test/fuzz/hostile-requests.ts';
import type { Bench, Finding } from './bench.ts';

/** Of each of the first four kinds, so 100,000 in all. */
const INPUTS = 25_000;
/** Of the last kind: each takes up to some seconds. */
const SLOW_INPUTS = 100;
/** Inputs that are made at a time, while nothing is measured. Some have a hundred kilobytes. */
const BATCH = 250;

/**
 * The longest time that one hostile input keeps the event loop from everything else: as a fuzz test makes them, through
 * what reads answers and events of agents, manifests, credential files, requests to the public routes, and what a machine
 * prints for the slowest patterns that a manifest may have. `npm run fuzz` asserts that the same inputs do no harm.
 */
export const stalls: Bench = {
  name: 'stalls',
  isLong: true,
  run: async () => {
    const caller = await createHostileCaller();
    try {
      return [
        await measure('answers and events of agents', agentAnswers, readAgentAnswer),
        await measure('manifests', manifestTexts, readManifest),
        await measure('credential files', offers, readOffer),
        await measure('requests to public routes', caller.requests, caller.ask),
        await measure('prompts for slow patterns', slowLines, readSlowLines, SLOW_INPUTS),
      ];
    } finally {
      await caller.close();
    }
  },
};

async function measure<Input>(
  kind: string,
  inputs: fc.Arbitrary<Input>,
  read: (input: Input) => unknown,
  count = INPUTS,
): Promise<Finding> {
  let longest = 0;
  const size = Math.min(count, BATCH);
  for (let seed = 1; seed <= count / size; seed += 1) {
    const batch = fc.sample(inputs, { seed, numRuns: size });
    longest = Math.max(longest, await longestStall(() => readAll(batch, read)));
  }
  const title = `longest stall, ${count} ${kind}`;
  return { title, kind: 'value', unit: 'ms', samples: [longest] };
}

/** Each in a turn of the event loop. */
async function readAll<Input>(batch: readonly Input[], read: (input: Input) => unknown): Promise<void> {
  for (const input of batch) {
    await nextTurn();
    try {
      await read(input);
    } catch (error) {
      // What it refuses is a reading, too.
      if (!SallyportError.isInstance(error)) throw error;
    }
  }
}

/** The longest turn of the event loop while the work is under way, in ms. */
async function longestStall(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let isOver = false;
  let last = performance.now();
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work();
  } finally {
    isOver = true;
  }
  await nextTurn();
  return longest;
}

function readManifest(text: string): unknown {
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Text that is not JSON is refused as a manifest.
  }
  return parseManifest(value);
}
