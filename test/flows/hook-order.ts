import { hookNames } from '@sallyport/core';
import type { DomainEvent, Plugin } from '@sallyport/core';

import { agentOf, createWorld, credential, ended, runPrompt, settle, signInUrl, startLogin, until } from './world.ts';
import type { World } from './world.ts';

/** One thing that a plugin hears of: a hook, or what the hook `event` tells. */
export interface Fired {
  readonly hook: string;
  /** Of `event`: its type, and what changed. */
  readonly event?: string;
}

export interface HookOrder {
  readonly connecting: readonly Fired[];
  readonly prompting: readonly Fired[];
  readonly stopping: readonly Fired[];
}

/** Connects a provider, runs a prompt on a machine that does not run, lets it idle, and records what plugins hear. */
export async function recordHookOrder(): Promise<HookOrder> {
  const heard: Fired[] = [];
  const world = createWorld({ plugins: [listenToAll(heard)], question: region });
  const take = (): readonly Fired[] => heard.splice(0).filter((each, index, all) => !isSame(each, all[index - 1]));

  await connectByDesktop(world);
  const connecting = take();
  await runPrompt(world);
  await settle();
  const prompting = take();
  await world.app.start();
  await world.clock.advance(6 * 60_000);
  await until(async () => (await world.store.machines.list()).every(({ state }) => state !== 'running'), 'the stop');
  await settle();
  const stopping = take();
  await world.app.close();
  return { connecting, prompting, stopping };
}

const region = { id: 'region', label: 'Which region?', kind: 'text', secret: false } as const;

function listenToAll(heard: Fired[]): Plugin {
  return {
    name: 'listen-to-all',
    apply: ({ hooks }) => {
      for (const hook of hookNames) {
        if (hook === 'event')
          hooks.event.tap('listen-to-all', (event) => void heard.push({ hook, event: describe(event) }));
        else Reflect.apply(hooks[hook].tap, undefined, ['listen-to-all', () => void heard.push({ hook })]);
      }
    },
  };
}

async function connectByDesktop(world: World): Promise<void> {
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({
    type: 'login.prompt',
    sessionId,
    promptId: region.id,
    label: region.label,
    kind: 'text',
    secret: false,
  });
  await settle();
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  await until(async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user', 'the sign-in page');
  agent.emit({ type: 'login.callback', sessionId, ok: true });
  agent.offer('fake', credential(1));
  agent.emit({ type: 'login.finished', sessionId });
  await ended(world, sessionId);
  await settle();
}

function describe(event: DomainEvent): string {
  if (event.type === 'machine.state') return `${event.type} ${event.state}`;
  return event.type === 'login.phase' ? `${event.type} ${event.phase}` : event.type;
}

function isSame(left: Fired, right: Fired | undefined): boolean {
  return left.hook === right?.hook && left.event === right.event;
}
