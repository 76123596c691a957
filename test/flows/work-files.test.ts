import { expect, it } from 'vitest';

import { until } from '../setup/until.ts';
import { connect, createWorld, runPrompt, settle, userId } from './world.ts';
import type { World } from './world.ts';

const signal = new AbortController().signal;

/** Longer than a machine waits for its next prompt, and not as long as a file may be read. */
const IDLE_MS = 6 * 60_000;
/** As long as a file may be read, and as a machine waits for its next prompt. */
const ALL_MS = 16 * 60_000;

async function withMachine(): Promise<{
  readonly world: World;
  readonly machineId: string;
  readonly state: () => Promise<unknown>;
}> {
  const world = createWorld();
  world.fake.script.workFiles = { 'a.txt': 'text' };
  await world.app.start();
  await connect(world);
  await runPrompt(world);
  const machineId = (await world.store.users.get(userId))?.machineId ?? '';
  return { world, machineId, state: async () => (await world.store.machines.get(machineId))?.state };
}

it('a machine stays awake while a file is read from it, and a look at its files does not wake it', async () => {
  const { world, machineId, state } = await withMachine();
  const { machines } = world.app;
  const { body } = await machines.readFile(userId, machineId, 'a.txt', signal);
  await world.clock.advance(IDLE_MS);
  await settle();
  expect(await state()).toBe('running');

  body.destroy();
  await world.clock.advance(IDLE_MS);
  await until('the machine to stop', async () => (await state()) === 'stopped');
  const { length } = await world.store.machines.list();
  await expect(machines.listFiles(userId, machineId, { path: '', limit: 9 })).rejects.toMatchObject({
    code: 'MACHINE_ASLEEP',
    message: `Machine ${machineId} is not running, so its files cannot be read.`,
  });
  expect([await state(), (await world.store.machines.list()).length]).toEqual(['stopped', length]);
});

it('a machine whose file nobody reads to the end falls asleep in the end', async () => {
  const { world, machineId, state } = await withMachine();
  const { body } = await world.app.machines.readFile(userId, machineId, 'a.txt', signal);
  const failed = new Promise<unknown>((resolve) => body.once('error', resolve));
  await world.clock.advance(ALL_MS);
  expect(await failed).toMatchObject({ name: 'AbortError', cause: { code: 'AGENT_UNREACHABLE' } });
  await world.clock.advance(IDLE_MS);
  await until('the machine to stop', async () => (await state()) === 'stopped');
});

it('files are not read from a machine of another host, nor from one that belongs to a login', async () => {
  const { world, machineId } = await withMachine();
  const row = await world.store.machines.get(machineId);
  if (!row) throw new Error('There is no machine.');
  await world.store.machines.create({ ...row, machineId: 'm-elsewhere', host: 'other' });
  await world.store.machines.create({ ...row, machineId: 'm-login', role: 'browser' });
  for (const [id, message] of [
    ['m-elsewhere', 'Machine m-elsewhere is on host other.'],
    ['m-login', 'This machine belongs to a login.'],
  ] as const) {
    const listing = world.app.machines.listFiles(userId, id, { path: '', limit: 9 });
    await expect(listing).rejects.toMatchObject({ code: 'MACHINE_BUSY', message });
  }
});
