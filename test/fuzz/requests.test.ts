import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createHostileCaller, kept, sent } from './hostile-requests.ts';
import type { HostileCaller } from './hostile-requests.ts';
import { slowHostileRuns } from './hostile.ts';

let caller: HostileCaller;
beforeAll(async () => {
  caller = await createHostileCaller();
});
afterAll(() => close());

let closed: Promise<string> | undefined;
const close = (): Promise<string> => (closed ??= caller.close());

/** The description of the API is the longest. */
const LONGEST_ANSWER = 100_000;
/** Lines of all metrics: some for each route and class of status, and no name that a caller makes up is counted on its own. */
const MOST_METRICS = 2_000;
const LONGEST_METRICS = 200_000;

describe('every route of the API', () => {
  it('answers whatever it is sent, without a server error or a secret', async () => {
    await checkProperty(
      fc.asyncProperty(caller.requests, async (asked) => {
        const answer = await caller.ask(asked);
        // Machines of memory cannot hibernate, and say so with 501.
        if (answer.statusCode !== 501) expect(answer.statusCode, answer.payload.slice(0, 300)).toBeLessThan(500);
        const said = JSON.stringify(answer.headers) + answer.payload;
        expect(said).not.toContain(kept);
        expect(said).not.toContain(sent);
        expect(said.length).toBeLessThanOrEqual(asked.path === '/metrics' ? LONGEST_METRICS : LONGEST_ANSWER);
      }),
      slowHostileRuns,
    );
    const metrics = await caller.metrics();
    const log = await close();
    expect(metrics.split('\n').length).toBeLessThanOrEqual(MOST_METRICS);
    expect(log).not.toContain(kept);
    expect(log).not.toContain(sent);
  });
});
