import { resolveUserId } from '@sallyport/core';
import type { UseSpareRoom } from '@sallyport/core/driver';
import { createFakeDriver } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createWorld, credential, outcomeOf, runPrompt, until } from './world.ts';
import type { World } from './world.ts';

/** Memory of one CLI machine of the fake provider. */
const CLI_MB = 384;
const { signal } = new AbortController();
const { userId } = resolveUserId('ada');

/** A host with room for so many machines, and a driver that is lent what is to spare. */
async function host(machines: number): Promise<World & { readonly use: UseSpareRoom }> {
  const fake = createFakeDriver();
  let use: UseSpareRoom | undefined;
  const driver = { ...fake.driver, lendSpareRoom: (lent: UseSpareRoom) => void (use = lent) };
  const capacity = { memoryMb: machines * CLI_MB, vcpus: 64, spareAfterMs: 60_000 };
  const world = createWorld({ fake: { ...fake, driver }, settings: { capacity } });
  await world.app.credentials.import({ userId, externalId: null, provider: 'fake', files: credential(1) });
  return Object.assign(world, { use: use ?? expect.fail('Nothing was lent.') });
}

const prompt = async (world: World): Promise<string | undefined> => outcomeOf(await runPrompt(world, { userId }));

const room = { id: 'm-spare', memoryMb: CLI_MB, vcpus: 1, signal };

/** Goes on until it is called off. */
function untilCalled(called: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => called.addEventListener('abort', () => reject(called.reason)));
}

describe('room that a driver uses for what nobody waits for', () => {
  it('is reserved like a machine’s, until it is not used any more', async () => {
    const world = await host(2);
    const reserved = await world.use({ ...room, do: async () => world.app.machines.load() });
    expect(reserved).toMatchObject({ running: 1, reserved: { memoryMb: CLI_MB, vcpus: 1 } });
    expect(world.app.machines.load()).toMatchObject({ running: 0, reserved: { memoryMb: 0, vcpus: 0 } });
    await expect(world.use({ ...room, do: () => Promise.reject(new Error('no')) })).rejects.toThrow('no');
    expect(world.app.machines.load().reserved.memoryMb).toBe(0);
  });

  it('is kept by reconciling, which finds no machine of that name', async () => {
    const world = await host(2);
    await world.app.start();
    const over = Promise.withResolvers<void>();
    const used = world.use({ ...room, do: () => over.promise });
    await world.clock.advance(120_000);
    expect(world.app.machines.load().reserved.memoryMb).toBe(CLI_MB);
    over.resolve();
    await used;
    await world.app.close();
  });

  it('is refused where machines take all of it, and none hibernates for it', async () => {
    const world = await host(1);
    expect(await prompt(world)).toBe('completed');
    await world.clock.advance(120_000);
    await expect(world.use({ ...room, do: async () => {} })).rejects.toMatchObject({ code: 'MACHINE_CAPACITY' });
    expect(world.app.machines.load().running).toBe(1);
  });

  it('is given back as soon as a user needs it, before their machine is made', async () => {
    const world = await host(1);
    let cleared = false;
    const used = world.use({
      ...room,
      do: async (called) => {
        await untilCalled(called).catch(() => {});
        cleared = world.fake.machines.length === 0;
        throw new Error('What was made is gone.');
      },
    });
    const refused = expect(used).rejects.toMatchObject({ code: 'MACHINE_CAPACITY' });
    expect(await prompt(world)).toBe('completed');
    await refused;
    expect(cleared).toBe(true);
    await until(() => world.app.machines.load().running === 1);
  });
});
