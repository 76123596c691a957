import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Store } from '@sallyport/core/store';
import { createFakeDriver } from '@sallyport/testkit';
import type { FakeDriver } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, settle, until, userId } from './world.ts';
import type { World } from './world.ts';

const { signal } = new AbortController();
const ORPHANS = 20;

async function oneWithMachine(options: { store: Store; fake: FakeDriver; host?: string }): Promise<World> {
  const world = createWorld(options);
  await connect(world);
  await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello' });
  await until(() => options.fake.machines.some(({ running }) => running), 'the machine runs');
  await settle();
  return world;
}

async function stateOf(store: Store, { driver }: FakeDriver) {
  return { rows: await store.machines.list(), host: await driver.list(), holder: await store.credentials.list(userId) };
}

it('removes twenty machines that no row of this host knows, leaves three of another host alone, and then changes nothing', async () => {
  const fake = createFakeDriver();
  const store = createMemoryStore({ clock: systemClock });
  await oneWithMachine({ store, fake, host: 'other' });
  const { plan, machine: foreign } = fake.newest('cli');
  // Two more of the other host, one of which its row calls a machine of a login.
  for (const [machineId, role] of [
    ['m-lookalike-cli', 'cli'],
    ['m-lookalike-browser', 'browser'],
  ] as const) {
    await fake.driver.create({ ...plan, machineId, role }, { signal });
    const row = (await store.machines.list()).find((known) => known.machineId === foreign.id);
    if (!row) throw new Error('The machine has no row.');
    await store.machines.create({ ...row, machineId, role });
  }
  for (let at = 0; at < ORPHANS; at += 1) {
    const role = at % 2 === 0 ? 'cli' : 'browser';
    const orphan = await fake.driver.create({ ...plan, machineId: `m-orphan-${at}`, role }, { signal });
    // A row that this host has ended, though the machine is there, makes it no less of an orphan.
    if (at % 4 === 1) {
      const [row] = await store.machines.list();
      if (row) await store.machines.create({ ...row, machineId: orphan.id, role, host: 'local' });
      await store.machines.update(orphan.id, { state: 'destroyed' });
    }
  }
  const foreigners = [foreign.id, 'm-lookalike-browser', 'm-lookalike-cli'].toSorted();
  expect(await fake.driver.list()).toHaveLength(ORPHANS + foreigners.length);

  const world = createWorld({ store, fake });
  await world.app.start();
  expect((await fake.driver.list()).map(({ machineId }) => machineId).toSorted()).toEqual(foreigners);
  expect(fake.newest('cli').destroyed && fake.newest('browser').destroyed).toBe(true);
  expect(fake.machines.find(({ machine }) => machine === foreign)).toMatchObject({ running: true, destroyed: false });
  expect((await store.machines.list({ host: 'other' })).map(({ state }) => state)).not.toContain('destroyed');

  const before = await stateOf(store, fake);
  const told = world.events.length;
  await world.clock.advance(60_000);
  await settle();
  expect(await stateOf(store, fake)).toEqual(before);
  expect(world.events).toHaveLength(told);
  expect(world.reported).toEqual([]);
  await world.app.close();
});

describe('what a driver keeps beside its machines', () => {
  /** A driver that keeps devices, by name; those of no machine are leftovers. */
  function withDevices() {
    const fake = createFakeDriver();
    const devices = new Set<string>();
    const asked: ReadonlySet<string>[] = [];
    const failures: unknown[] = [];
    const reconcile = async (machineIds: ReadonlySet<string>): Promise<readonly string[]> => {
      asked.push(new Set(machineIds));
      const failure = failures.shift();
      if (failure) throw failure;
      const removed = [...devices].filter((id) => !machineIds.has(id));
      for (const id of removed) devices.delete(id);
      return removed.map((id) => `device of ${id}`);
    };
    return { fake: { ...fake, driver: { ...fake.driver, reconcile } }, devices, asked, failures };
  }

  it('is cleared of what belongs to machines that are gone, and it is told what that was', async () => {
    const { fake, devices, asked } = withDevices();
    const store = createMemoryStore({ clock: systemClock });
    const world = await oneWithMachine({ store, fake });
    const { id } = fake.newest('cli').machine;
    devices.add(id).add('m-gone-1').add('m-gone-2');
    await world.app.start();
    expect(asked).toEqual([new Set([id])]);
    expect([...devices]).toEqual([id]);
    const told = world.events.filter(({ type }) => type === 'host.cleared');
    expect(told).toEqual([
      {
        type: 'host.cleared',
        userId: null,
        at: expect.any(Number),
        host: 'local',
        removed: ['device of m-gone-1', 'device of m-gone-2'],
      },
    ]);
    await world.clock.advance(60_000);
    await settle();
    expect(asked).toHaveLength(2);
    expect(world.events.filter(({ type }) => type === 'host.cleared')).toHaveLength(1);
    await world.app.machines.destroy(userId, id);
    await world.clock.advance(60_000);
    await settle();
    expect(asked.at(-1)).toEqual(new Set());
    expect(devices.size).toBe(0);
    await world.app.close();
  });

  it('is tried again the next minute where it resists', async () => {
    const { fake, devices, failures } = withDevices();
    devices.add('m-gone');
    failures.push(new Error('The device is busy.'));
    const world = createWorld({ fake });
    await world.app.start();
    expect(world.reported).toEqual(['clearing up behind machines that are gone: The device is busy.']);
    expect(devices.size).toBe(1);
    await world.clock.advance(60_000);
    await settle();
    expect(devices.size).toBe(0);
    await world.app.close();
  });
});
