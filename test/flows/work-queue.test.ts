import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createInProcessQueue } from '../../packages/core/src/admission/in-process-queue.ts';
import type { MachineWork, QueueSettings, Turn } from '../../packages/core/src/contracts/work-queue.ts';

const clock = createVirtualClock();
const work = (machineId: string, userId = machineId, kind: MachineWork['kind'] = 'wake'): MachineWork => ({
  kind,
  machineId,
  userId,
});
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

/** A queue, and works in it that go on until they are told to end. */
function createBench(settings: Partial<QueueSettings> = {}, random = () => 0) {
  const queue = createInProcessQueue({
    clock,
    random,
    settings: { atOnce: 1, maxWaiting: 10, waitMs: 60_000, ...settings },
  });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const positions = new Map<string, number[]>();
  const run = (what: MachineWork, turn: Omit<Turn, 'onPosition'> = {}): Promise<void> => {
    const told: number[] = [];
    positions.set(what.machineId, told);
    const onPosition = (position: number): void => void told.push(position);
    const done = queue.run(what, { ...turn, onPosition }, () => {
      begun.push(what.machineId);
      return new Promise<void>((resolve) => ends.set(what.machineId, resolve));
    });
    done.catch(() => undefined);
    return done;
  };
  const end = async (machineId: string): Promise<void> => {
    ends.get(machineId)?.();
    await turns();
  };
  return { queue, begun, positions, run, end };
}

describe('the work queue', () => {
  it('does no more at a time than it may, and tells who waits where they stand', async () => {
    const { queue, begun, positions, run, end } = createBench({ atOnce: 2 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) void run(work(id));
    await turns();
    expect(begun).toEqual(['a', 'b']);
    expect(queue.load()).toEqual({ waiting: 3, underWay: 2 });
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c']);
    expect(Object.fromEntries(positions)).toEqual({ a: [], b: [], c: [1], d: [2, 1], e: [3, 2] });
    for (const id of ['b', 'c', 'd', 'e']) await end(id);
    expect(queue.load()).toEqual({ waiting: 0, underWay: 0 });
  });

  it('shares turns out among users: many works of one do not hold up the others', async () => {
    const { begun, run, end } = createBench();
    for (const id of ['ada-1', 'ada-2', 'ada-3']) void run(work(id, 'ada'));
    void run(work('bob-1', 'bob'));
    void run(work('cyd-1', 'cyd'));
    for (const id of ['ada-1', 'ada-2', 'bob-1', 'cyd-1', 'ada-3']) {
      await turns();
      await end(id);
    }
    expect(begun).toEqual(['ada-1', 'ada-2', 'bob-1', 'cyd-1', 'ada-3']);
  });

  it('does not let a user starve behind an endless stream of others', async () => {
    const { begun, run, end } = createBench();
    void run(work('ada-1', 'ada'));
    void run(work('ada-2', 'ada'));
    void run(work('ada-3', 'ada'));
    await turns();
    for (let round = 0; round < 5; round += 1) {
      void run(work(`new-${round}`));
      await turns();
      await end(begun.at(-1) ?? '');
    }
    expect(begun.indexOf('ada-3')).toBeGreaterThan(0);
  });

  it('refuses what comes when the line is full, with a time to come back that differs', async () => {
    let random = 0;
    const { queue, run } = createBench({ maxWaiting: 2 }, () => random);
    for (const id of ['a', 'b', 'c']) void run(work(id));
    const refusal = { code: 'MACHINE_CAPACITY', status: 429, retryable: true };
    await expect(run(work('d'))).rejects.toMatchObject({ ...refusal, details: { retryAfterSeconds: 8 } });
    random = 0.99;
    await expect(run(work('d'))).rejects.toMatchObject({ ...refusal, details: { retryAfterSeconds: 12 } });
    expect(() => queue.check()).toThrow('2 machines wait to be started already');
    expect(queue.load().waiting).toBe(2);
  });

  it('lets nobody wait longer than the operator says', async () => {
    const { queue, run } = createBench({ waitMs: 5_000 });
    void run(work('a'));
    const late = run(work('b'));
    await clock.advance(5_000);
    await expect(late).rejects.toMatchObject({ code: 'MACHINE_CAPACITY' });
    expect(queue.load()).toEqual({ waiting: 0, underWay: 1 });
  });

  it('lets a caller that gives up leave at once, and moves the others up', async () => {
    const { begun, positions, run, end } = createBench();
    void run(work('a'));
    const abort = new AbortController();
    const left = run(work('b'), { signal: abort.signal });
    void run(work('c'));
    abort.abort(new Error('Enough.'));
    await expect(left).rejects.toThrow('Enough.');
    expect(positions.get('c')).toEqual([2, 1]);
    await end('a');
    expect(begun).toEqual(['a', 'c']);
  });

  it('never does two things to one machine at once', async () => {
    const { begun, run, end } = createBench({ atOnce: 5 });
    void run(work('a', 'ada', 'wake'));
    void run(work('a', 'ada', 'destroy'));
    void run(work('b'));
    await turns();
    expect(begun).toEqual(['a', 'b']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'a']);
  });

  it('refuses no work that ends a machine, and does not let it wait for one that starts', async () => {
    const { begun, run } = createBench({ maxWaiting: 0 });
    void run(work('a'));
    for (const id of ['b', 'c']) void run(work(id, id, 'rest'));
    await turns();
    expect(begun).toEqual(['a', 'b']);
  });

  it('goes on when a work fails', async () => {
    const { queue, begun, run, end } = createBench();
    const failed = queue.run(work('a'), {}, () => Promise.reject(new Error('It broke.')));
    void run(work('b'));
    await expect(failed).rejects.toThrow('It broke.');
    await turns();
    expect(begun).toEqual(['b']);
    await end('b');
    expect(queue.load().underWay).toBe(0);
  });
});
