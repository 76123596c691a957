import { describe, expect, it } from 'vitest';

import { createSideBySide } from './side-by-side.ts';
import type { SideBySide, WorkView } from './side-by-side.ts';

const view = (hidden: readonly string[], pinned: readonly string[] = []): WorkView => ({
  hiddenPaths: hidden.map((path) => ({ path, kind: 'directory' })),
  pinnedPaths: pinned.map((path) => ({ path, kind: 'directory' })),
});
const enter = (beside: SideBySide, provider: string, hidden: readonly string[], pinned: readonly string[] = []) =>
  beside.enter(provider, async () => view(hidden, pinned));
const busy = { code: 'MACHINE_BUSY' };

describe('CLIs in one ~/work', () => {
  it('run at the same time where each has pinned what the other must not see', async () => {
    const beside = createSideBySide();
    await enter(beside, 'a', ['/w/.a'], ['/w/.b']);
    await enter(beside, 'b', ['/w/.b'], ['/w/.a']);
  });

  it('wait for one that could move what they must not see, until it has ended', async () => {
    const beside = createSideBySide();
    const first = await enter(beside, 'a', [], []);
    await expect(enter(beside, 'b', ['/w/.b'])).rejects.toMatchObject({
      ...busy,
      message:
        'The CLI of b cannot run beside the one of a: a program could replace /w/.b, which one of them must not see.',
    });
    first[Symbol.dispose]();
    await enter(beside, 'b', ['/w/.b']);
  });

  it('wait for one that must not see what they could move', async () => {
    const beside = createSideBySide();
    await enter(beside, 'b', ['/w/.b', '/w/sub/.b'], ['/w/.a']);
    await expect(enter(beside, 'a', [], ['/w/.b'])).rejects.toMatchObject(busy);
  });

  it('do not wait for a run of the same provider, whose login they have anyway', async () => {
    const beside = createSideBySide();
    await enter(beside, 'a', ['/w/.a']);
    await enter(beside, 'a', ['/w/.a', '/w/sub/.a']);
  });

  it('pin only what no run under way can replace with a link', async () => {
    const beside = createSideBySide();
    await enter(beside, 'a', [], ['/w/.b']);
    await enter(beside, 'a', [], ['/w/.b', '/w/.c']);
    const may = await beside.enter('a', async (mayPin) => ({
      ...view([]),
      answers: ['/w/.b', '/w/.c'].map((path) => mayPin(path)),
    }));
    expect(may.answers).toEqual([true, false]);
  });

  it('are added one after another, also after one that could not be', async () => {
    const beside = createSideBySide();
    const seen: string[] = [];
    const look =
      (name: string, fails = false) =>
      async (): Promise<WorkView> => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error('no such directory');
        return view([]);
      };
    const broken = beside.enter('a', look('first', true));
    const next = beside.enter('b', look('second'));
    await expect(broken).rejects.toThrow('no such directory');
    await next;
    expect(seen).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });
});
