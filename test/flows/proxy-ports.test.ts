import { expect, it } from 'vitest';

import { agentOf, createWorld, credential, ended, runPrompt, signInUrl, startLogin, userId } from './world.ts';
import type { World } from './world.ts';

async function signInAndPrompt(world: World): Promise<readonly unknown[]> {
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent.offer('fake', credential(1));
  await ended(world, sessionId);
  await runPrompt(world);
  return world.routes.opened.map(({ identity }) => identity);
}

it('a user has one upstream port for logins and prompts where the egress needs one', async () => {
  const world = createWorld({ needsProxyPort: true });
  const identity = { userId, proxyPort: 10_001 };
  expect(await signInAndPrompt(world)).toEqual([identity, identity]);
});

it('and none where it does not', async () => {
  const world = createWorld();
  expect(await signInAndPrompt(world)).toEqual([{ userId }, { userId }]);
  expect(await world.store.users.get(userId)).toMatchObject({ proxyPort: null });
});
