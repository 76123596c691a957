import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import type { FirecrackerRequest } from '../request.ts';
import { takeMemory } from './balloon.ts';

const never = new AbortController().signal;

function guest(answers: readonly unknown[]) {
  const clock = createVirtualClock();
  const sent: FirecrackerRequest[] = [];
  let looks = 0;
  const api = {
    send: async (request: FirecrackerRequest) => {
      sent.push(request);
      return request.method === 'GET' ? answers[Math.min(looks++, answers.length - 1)] : undefined;
    },
    close: () => {},
  };
  return { clock, sent, api };
}

describe('memory that a guest is asked for', () => {
  it('is waited for until the guest says it has given it', async () => {
    const { api, clock, sent } = guest([{ actual_mib: 0 }, { actual_mib: 100 }, { actual_mib: 128 }]);
    const taken = takeMemory(api, 128, clock, never);
    await clock.advance(100);
    await taken;
    expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PATCH /balloon',
      ...Array<string>(3).fill('GET /balloon/statistics'),
    ]);
    expect(clock.pending).toBe(0);
  });

  it.each([{ actual_mib: 0 }, { actual_mib: -5 }, { actual_mib: 'much' }, {}, null])(
    'is not waited for long when the guest says %j',
    async (answer) => {
      const { api, clock } = guest([answer]);
      const taken = takeMemory(api, 128, clock, never);
      await clock.advance(2100);
      await taken;
      expect(clock.monotonic()).toBe(2100);
      expect(clock.pending).toBe(0);
    },
  );

  it('is not waited for when the guest says it gave more than there is', async () => {
    const { api, clock } = guest([{ actual_mib: Number.MAX_SAFE_INTEGER }]);
    await takeMemory(api, 128, clock, never);
    expect(clock.pending).toBe(0);
  });

  it('is given up when the signal says so', async () => {
    const { api, clock } = guest([{ actual_mib: 0 }]);
    const mind = new AbortController();
    const taken = takeMemory(api, 128, clock, mind.signal).catch((error: unknown) => error);
    await clock.advance(100);
    mind.abort(new Error('changed my mind'));
    expect(await taken).toEqual(new Error('changed my mind'));
    expect(clock.pending).toBe(0);
  });
});
