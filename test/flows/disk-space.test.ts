import type { DiskSpace } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, runPrompt, settle, startLogin, until, userId } from './world.ts';
import type { World } from './world.ts';

const GIB = 1024 ** 3;
const smallDisk = { totalBytes: 20 * GIB };
const largeDisk = { totalBytes: 1000 * GIB };

/** A world whose disk becomes as full as a test says. */
function createDiskWorld(disk: Pick<DiskSpace, 'totalBytes'> = smallDisk) {
  let freeBytes = disk.totalBytes;
  const world = createWorld({ features: { hibernate: true }, readDiskSpace: async () => ({ ...disk, freeBytes }) });
  return { world, leaveFree: (bytes: number) => void (freeBytes = bytes) };
}

async function rest(world: World, state: 'hibernated' | 'stopped'): Promise<void> {
  await world.clock.advance(6 * 60_000);
  await until(async () => (await world.store.machines.list()).some((row) => row.state === state), state);
}

const refused = { code: 'MACHINE_CAPACITY', status: 429, details: { retryAfterSeconds: 60 } };

describe('a disk with little room', () => {
  it.each([
    [smallDisk, 0.15 * smallDisk.totalBytes],
    [largeDisk, 10 * GIB],
  ])('of %o starts no machine for a prompt or a login', async (disk, floor) => {
    const { world, leaveFree } = createDiskWorld(disk);
    await connect(world);
    leaveFree(floor - 1);
    await expect(runPrompt(world)).rejects.toMatchObject(refused);
    await expect(startLogin(world)).rejects.toMatchObject(refused);
    expect(await world.store.machines.list()).toEqual([]);
    leaveFree(floor);
    expect((await runPrompt(world)).at(-1)).toMatchObject({ type: 'prompt-end', outcome: 'completed' });
  });

  it('does not keep a machine that runs from its next prompt', async () => {
    const { world, leaveFree } = createDiskWorld();
    await connect(world);
    await runPrompt(world);
    await settle();
    leaveFree(0);
    expect((await runPrompt(world)).at(-1)).toMatchObject({ type: 'prompt-end', outcome: 'completed' });
  });

  it('wakes no machine either, and keeps what it has', async () => {
    const { world, leaveFree } = createDiskWorld();
    await world.app.start();
    await connect(world);
    await runPrompt(world);
    await rest(world, 'hibernated');
    leaveFree(0.1 * smallDisk.totalBytes);
    await expect(runPrompt(world)).rejects.toMatchObject(refused);
    expect(world.fake.newest('cli')).toMatchObject({ hibernated: true });
  });

  it.each([
    ['below 8 percent', smallDisk, 0.08 * smallDisk.totalBytes - 1],
    ['below 5 GiB', largeDisk, 5 * GIB - 1],
    ['without room for its memory', { totalBytes: 2 * GIB }, 0.2 * GIB],
  ])('%s has an idle machine stop, cleanly, and says why', async (_when, disk, freeBytes) => {
    const { world, leaveFree } = createDiskWorld(disk);
    await world.app.start();
    await connect(world);
    await runPrompt(world);
    await settle();
    leaveFree(freeBytes);
    await rest(world, 'stopped');
    expect(world.fake.newest('cli')).toMatchObject({ running: false, hibernated: false });
    expect(world.reported.join('\n')).toMatch(/^hibernating machine m-\S+: The disk of this host is nearly full/m);
    expect(await world.store.credentials.holder(userId, 'fake')).toBeUndefined();
  });

  it('has an idle machine hibernate down to 8 percent', async () => {
    const { world, leaveFree } = createDiskWorld();
    await world.app.start();
    await connect(world);
    await runPrompt(world);
    await settle();
    leaveFree(0.08 * smallDisk.totalBytes);
    await rest(world, 'hibernated');
  });
});
