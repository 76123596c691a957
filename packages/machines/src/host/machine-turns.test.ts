import { expect, it } from 'vitest';

import { createMachineTurns } from './machine-turns.ts';

const { signal } = new AbortController();

function setup() {
  const state = { runs: false };
  return { state, turns: createMachineTurns({ machineId: 'm-1', isRunning: () => state.runs }) };
}

it('lets several use the disk at once, and nothing start meanwhile', async () => {
  const { turns } = setup();
  const held = Promise.withResolvers<string>();
  const first = turns.useDisk(() => held.promise);
  expect(await turns.useDisk(async () => 'second')).toBe('second');
  expect(() => turns.refuseUnlessStopped('started')).toThrow('Machine m-1 cannot be started while its disk is in use.');
  held.resolve('first');
  expect(await first).toBe('first');
  expect(() => turns.refuseUnlessStopped('started')).not.toThrow();
});

it('gives the disk back after work that failed', async () => {
  const { turns } = setup();
  await expect(turns.useDisk(() => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
  expect(() => turns.refuseUnlessStopped('started')).not.toThrow();
});

it.each(['while it runs', 'while it changes'])('keeps everybody from the disk %s', async (when) => {
  const { state, turns } = setup();
  const over = Promise.withResolvers<void>();
  state.runs = when === 'while it runs';
  const change = state.runs ? Promise.resolve() : turns.change(signal, () => over.promise);
  await expect(turns.useDisk(async () => expect.unreachable())).rejects.toMatchObject({
    code: 'MACHINE_BUSY',
    message: 'Machine m-1 cannot be read or written offline while it runs.',
  });
  over.resolve();
  await change;
  state.runs = false;
  expect(await turns.useDisk(async () => 'free')).toBe('free');
});

it('calls a transition off, and waits until it has ended', async () => {
  const { turns } = setup();
  await turns.callOff('stopped before it began');
  const ended: string[] = [];
  const start = turns.change(signal, async (until) => {
    await new Promise((resolve) => until.addEventListener('abort', resolve));
    ended.push('cleared away');
    until.throwIfAborted();
  });
  expect(turns.isChanging).toBe(true);
  const failed = expect(start).rejects.toMatchObject({
    code: 'MACHINE_FAILED',
    message: 'Machine m-1 was stopped while it started.',
  });
  await turns.callOff('stopped while it started');
  expect(ended).toEqual(['cleared away']);
  await failed;
  expect(turns.isChanging).toBe(false);
});

it('refuses everything once the machine is destroyed', async () => {
  const { turns } = setup();
  turns.markDestroyed();
  expect(turns.isDestroyed).toBe(true);
  expect(() => turns.refuseUnlessStopped('started')).toThrow('Machine m-1 was destroyed.');
  await expect(turns.useDisk(async () => expect.unreachable())).rejects.toMatchObject({ code: 'MACHINE_UNKNOWN' });
});
