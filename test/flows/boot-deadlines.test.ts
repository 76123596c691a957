import { expect, it } from 'vitest';

import { connect, createWorld, settle, until, userId } from './world.ts';
import type { World } from './world.ts';

const never = (): Promise<never> => new Promise(() => undefined);

it.each([
  ['is not made', (world: World) => void world.fake.holdAt('create'), 'The cli machine was not made in 60 s.'],
  [
    'does not boot',
    (world: World) => void world.fake.holdAt('start'),
    'The cli machine did not boot in 180 s. The last line of its console: Kernel panic',
  ],
  [
    'does not answer',
    (world: World) => void (world.fake.script.health = never),
    'The cli machine did not answer in 60 s. The last line of its console: Kernel panic',
  ],
])('a machine that %s in time says so, with its last words, and leaves nothing', async (_what, stall, message) => {
  const world = createWorld();
  await connect(world);
  world.fake.script.console = 'Booting.\nKernel panic\n';
  stall(world);
  const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello' });
  await settle();
  await world.clock.advance(190_000);
  await until(async () => (await world.app.prompts.get(promptId)).status === 'failed', 'the prompt fails');
  const events = await world.store.prompts.events(promptId, 0, 100);
  expect(events.at(-1)?.event).toMatchObject({ code: 'MACHINE_TIMED_OUT', message });
  expect(world.app.machines.load()).toMatchObject({ running: 0, reserved: { memoryMb: 0 } });
  expect(await world.leftovers()).toEqual([]);
});
