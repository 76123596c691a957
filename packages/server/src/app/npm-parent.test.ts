import { createVirtualClock } from '@sallyport/testkit';
import { expect, it } from 'vitest';

import { npmParentEnded } from './npm-parent.ts';

function watch(variables: Readonly<Record<string, string>>) {
  const clock = createVirtualClock(0);
  const stop = new AbortController();
  const state = { parent: 42, hasEnded: false };
  const parentId = () => state.parent;
  void npmParentEnded({ variables, clock, parentId, signal: stop.signal }).then(() => (state.hasEnded = true));
  return { clock, state, stop };
}

it('notices within a second that the shell of npm has ended', async () => {
  const { clock, state } = watch({ npm_command: 'exec' });
  await clock.advance(60_000);
  expect(state.hasEnded).toBe(false);
  state.parent = 1;
  await clock.advance(1000);
  expect(state.hasEnded).toBe(true);
});

it('lets a server outlive a parent that is not of npm', async () => {
  const { clock, state } = watch({});
  state.parent = 1;
  await clock.advance(60_000);
  expect(state.hasEnded).toBe(false);
});

it('no longer looks once the server stops', async () => {
  const { clock, state, stop } = watch({ npm_command: 'run-script' });
  stop.abort();
  state.parent = 1;
  await clock.advance(60_000);
  expect(state.hasEnded).toBe(false);
});
