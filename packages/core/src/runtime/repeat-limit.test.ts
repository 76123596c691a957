import { expect, it } from 'vitest';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { createRepeatLimit } from './repeat-limit.ts';

function createBench() {
  const clock = createVirtualClock();
  const limit = createRepeatLimit({ clock, windowMs: 60_000, mostKinds: 3 });
  const told: string[] = [];
  const note = (kind: string, scope = 'm'): void =>
    limit.note({
      scope,
      kind,
      group: 'rest',
      tell: (count, isOther) => void told.push(`${scope} ${isOther ? 'others' : kind} ${count}`),
    });
  return { clock, limit, note, told };
}

it('tells the first of a kind at once and the rest of a minute together', async () => {
  const { clock, note, told } = createBench();
  for (let time = 0; time < 1_080; time++) note('a');
  note('a', 'other machine');
  expect(told).toEqual(['m a 1', 'other machine a 1']);
  await clock.advance(59_999);
  expect(told).toHaveLength(2);
  await clock.advance(1);
  expect(told.slice(2)).toEqual(['m a 1079']);
  note('a');
  expect(told.slice(3)).toEqual(['m a 1']);
  await clock.advance(60_000);
  expect(told).toHaveLength(4);
  expect(clock.pending).toBe(0);
});

it('counts a flood of ever new kinds as others, and loses none', async () => {
  const { clock, note, told } = createBench();
  for (let index = 0; index < 1_000; index++) note(`host-${index}`);
  await clock.advance(60_000);
  expect(told).toEqual(['m host-0 1', 'm host-1 1', 'm host-2 1', 'm others 1', 'm others 996']);
});

it('tells what is left when it is flushed', () => {
  const { clock, limit, note, told } = createBench();
  for (const kind of ['a', 'a', 'b']) note(kind);
  limit.flush();
  expect(told).toEqual(['m a 1', 'm b 1', 'm a 1']);
  expect(clock.pending).toBe(0);
});
