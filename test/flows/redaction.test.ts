import type { Plugin, PromptEvent } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import {
  canary,
  connect,
  createWorld,
  credential,
  outcomeOf,
  promptEvents,
  runPrompt,
  until,
  userId,
} from './world.ts';
import type { World, WorldOptions } from './world.ts';

const token = `${canary}-1`;
const exit = (code = 0): ExecuteEvent => ({ type: 'exit', code, signal: null, reason: 'ended' });
const show = (event: object): ExecuteEvent => ({ type: 'stdout', line: JSON.stringify(event) });

/** A CLI whose lines are prompt events already. */
const literal: WorldOptions['parse'] = {
  initial: () => null,
  step: (state, observation) => ({
    state,
    events: observation.type === 'stdout' ? [JSON.parse(observation.line)] : [],
  }),
};

async function connected(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await connect(world);
  return world;
}

function print(world: World, ...events: readonly ExecuteEvent[]): void {
  world.fake.script.execute = async function* () {
    yield* events;
  };
}

const textOf = (events: readonly PromptEvent[]): string =>
  events.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('');

describe('a CLI that prints its own credential', () => {
  it('shows it in no event, whichever its kind', async () => {
    const world = await connected({ parse: literal });
    print(
      world,
      show({ type: 'conversation', conversationId: token }),
      show({ type: 'reasoning', text: token }),
      show({ type: 'tool-start', toolId: 't', name: 'sh', input: `{"command":"echo ${token}"}` }),
      show({ type: 'tool-end', toolId: 't', name: 'sh', output: token, ok: true }),
      show({ type: 'notice', message: token }),
      show({ type: 'text', text: `It is ${token}.` }),
      show({ type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message: token, hint: token }),
      exit(1),
    );
    const events = await runPrompt(world);
    expect(JSON.stringify(events)).not.toContain(canary);
    expect(JSON.stringify(events).match(/\[redacted\]/g)).toHaveLength(8);
  });

  it('shows it to no plugin either', async () => {
    const seen: PromptEvent[] = [];
    const plugin: Plugin = {
      name: 'watcher',
      apply: ({ hooks }) =>
        hooks['prompt.event'].tap('watcher', (event) => {
          seen.push(event);
          return event;
        }),
    };
    const world = await connected({ plugins: [plugin] });
    print(world, show({ type: 'text', text: token }), exit());
    await runPrompt(world);
    expect(textOf(seen)).toBe('[redacted]');
  });

  it('shows it in no pieces', async () => {
    const world = await connected();
    print(world, ...Array.from(`It is ${token}.`).map((text) => show({ type: 'text', text })), exit());
    expect(textOf(await runPrompt(world))).toBe('It is [redacted].');
  });

  it('shows what looks like its beginning, at the latest when it ends', async () => {
    const world = await connected();
    print(world, show({ type: 'text', text: `It begins with ${token.slice(0, 9)}` }), exit());
    const events = await runPrompt(world);
    expect(textOf(events)).toBe(`It begins with ${token.slice(0, 9)}`);
    expect(outcomeOf(events)).toBe('completed');
  });

  it('shows it neither if it refreshed it a moment ago', async () => {
    const world = await connected();
    const isRefreshed = Promise.withResolvers<void>();
    world.fake.script.execute = async function* () {
      yield show({ type: 'text', text: 'working, ' });
      await isRefreshed.promise;
      yield show({ type: 'text', text: `${canary}-2 and ${token}` });
      yield exit();
    };
    const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello' });
    await until(() => world.fake.machines.some(({ agent }) => agent.calls.some((call) => call.startsWith('execute'))));
    world.fake.newest('cli').agent.offer('fake', credential(2));
    await until(async () => (await world.store.credentials.current(userId, 'fake'))?.version === 2);
    isRefreshed.resolve();
    expect(textOf(await promptEvents(world, promptId))).toBe('working, [redacted] and [redacted]');
  });

  it('shows no API key from its environment', async () => {
    const world = createWorld();
    const files = { api_key: 'fk-0123456789' };
    await world.app.credentials.import({ userId, externalId: null, provider: 'fake', files });
    print(world, show({ type: 'text', text: `key ${files.api_key}` }), exit());
    expect(textOf(await runPrompt(world))).toBe('key [redacted]');
  });
});
