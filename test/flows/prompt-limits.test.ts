import { SallyportError } from '@sallyport/core';
import type { Plugin } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import type { PromptParser, RefreshCommand } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, settle, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const MINUTE_MS = 60_000;
/** What a prompt is given where neither the operator nor a plugin says otherwise, and what the server adds to it. */
const PROMPT_MS = 30 * MINUTE_MS;
const GRACE_MS = 30_000;
const KIB = 1024;
const MOST_EVENTS = 200_000;

const exit: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };
const shown = (text: string): ExecuteEvent => ({ type: 'stdout', line: JSON.stringify({ type: 'text', text }) });

/** Gives each prompt this much output. */
const allowing = (maxOutputBytes: number): Plugin => ({
  name: 'planner',
  apply: ({ hooks }) => hooks['prompt.plan'].tap('planner', (plan) => ({ ...plan, maxOutputBytes })),
});

/** Shows each line as an event. */
const parse: PromptParser = {
  initial: () => null,
  step: (state, seen) => ({ state, events: seen.type === 'exit' ? [] : [{ type: 'text', text: 'x' }] }),
};

interface Flood {
  readonly taken: number;
  /** The server has left the stream, which ends the CLI. */
  readonly left: boolean;
}

/** From now on agents send this without an end, as far as a test can: to `most` events. */
function floodWith(world: World, event: ExecuteEvent, most: number): Flood {
  const flood = { taken: 0, left: false };
  world.fake.script.execute = async function* () {
    try {
      while (flood.taken < most) {
        flood.taken += 1;
        yield event;
      }
      yield exit;
    } finally {
      flood.left = flood.taken < most;
    }
  };
  return flood;
}

async function begin(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await connect(world);
  return world;
}

async function endOf(world: World, promptId: string) {
  await until(async () => (await world.app.prompts.get(promptId)).status !== 'running', 'the prompt ends');
  const events = await world.store.prompts.events(promptId, 0, 2 * MOST_EVENTS);
  return { stored: events.length, end: events.at(-1)?.event };
}

const ask = (world: World) => world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello' });
const failed = (message: string) => ({ type: 'prompt-end', outcome: 'failed', code: 'PROMPT_FAILED', message });
const tooLong = failed('The CLI took longer than this deployment allows and was ended.');
const tooMuch = failed('The CLI printed more than this deployment allows and was ended.');
const tooMany = failed('The CLI printed more lines than this deployment allows and was ended.');

describe('a prompt whose agent keeps no limit', () => {
  it('ends half a minute after its time, and its stream is aborted', async () => {
    const world = await begin();
    let reason: unknown;
    world.fake.script.execute = async function* (_request, _agent, signal) {
      yield shown('working');
      await new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject((reason = signal.reason)), { once: true });
      });
    };
    const { promptId } = await ask(world);
    await settle();
    await world.clock.advance(PROMPT_MS + GRACE_MS - 1);
    expect((await world.app.prompts.get(promptId)).status).toBe('running');
    await world.clock.advance(1);
    expect((await endOf(world, promptId)).end).toMatchObject(tooLong);
    expect(reason).toMatchObject({ code: 'PROMPT_FAILED' });
    delete world.fake.script.execute;
    expect((await endOf(world, (await ask(world)).promptId)).end).toMatchObject({ outcome: 'completed' });
    expect(world.fake.newest('cli').boots).toHaveLength(1);
    await world.app.close();
    expect(world.clock.pending).toBe(0);
  });

  it('leaves the next one another boot where its agent does not answer either', async () => {
    const world = await begin();
    // oxlint-disable-next-line require-yield -- it hangs before it says anything
    world.fake.script.execute = async function* (_request, _agent, signal) {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const { promptId } = await ask(world);
    await settle();
    world.fake.script.health = async () => {
      if (world.fake.newest('cli').boots.length === 1) throw new SallyportError('AGENT_UNREACHABLE', 'Away.');
    };
    await world.clock.advance(PROMPT_MS + GRACE_MS);
    expect((await endOf(world, promptId)).end).toMatchObject(tooLong);
    delete world.fake.script.execute;
    expect((await endOf(world, (await ask(world)).promptId)).end).toMatchObject({ outcome: 'completed' });
    expect(world.fake.newest('cli').boots).toHaveLength(2);
    await world.app.close();
  });

  it('ends as its agent says where that keeps the time itself', async () => {
    const world = await begin();
    world.fake.script.execute = async function* (request) {
      await world.clock.sleep(request.timeoutMs + GRACE_MS - 1);
      yield { type: 'exit', code: null, signal: 'SIGKILL', reason: 'timeout', message: 'The agent has ended it.' };
    };
    const { promptId } = await ask(world);
    await settle();
    await world.clock.advance(PROMPT_MS + GRACE_MS - 1);
    expect((await endOf(world, promptId)).end).toMatchObject(failed('The agent has ended it.'));
    await world.app.close();
  });

  it('ends after so many events, each of which is stored', async () => {
    const world = await begin({ parse });
    const flood = floodWith(world, { type: 'stdout', line: 'x' }, MOST_EVENTS + 1000);
    const { stored, end } = await endOf(world, (await ask(world)).promptId);
    expect(end).toMatchObject(tooMany);
    expect(flood).toEqual({ taken: MOST_EVENTS + 1, left: true });
    expect(stored).toBeLessThan(MOST_EVENTS + 10);
    await world.app.close();
  });

  it.each<readonly [string, ExecuteEvent, number]>([
    ['lines of one byte', { type: 'stdout', line: 'x' }, 1],
    ['empty lines', { type: 'stderr', line: '' }, 1],
    ['big lines', shown('x'.repeat(16 * KIB)), 16 * KIB + 25],
    ['lines of bytes outside ASCII', { type: 'stdout', line: 'é' }, 2],
    ['messages', { type: 'rpc', message: { text: 'x'.repeat(KIB) } }, KIB + 11],
    ['lines of which most is left out', { type: 'stdout', line: 'x', dropped: 9 }, 1],
  ])('ends after so many bytes of output: %s', async (_, event, bytes) => {
    const world = await begin({ plugins: [allowing(64 * KIB)] });
    const most = Math.floor((64 * KIB) / bytes);
    const flood = floodWith(world, event, 2 * most);
    expect((await endOf(world, (await ask(world)).promptId)).end).toMatchObject(tooMuch);
    expect(flood).toEqual({ taken: most + 1, left: true });
    await world.app.close();
  });

  it('may use all the output that it is given', async () => {
    const line = shown('x'.repeat(100));
    const world = await begin({ plugins: [allowing(10 * 125)] });
    floodWith(world, line, 10);
    expect((await endOf(world, (await ask(world)).promptId)).end).toMatchObject({ outcome: 'completed' });
    await world.app.close();
  });
});

describe('a command on a machine whose agent keeps no limit', () => {
  const refresh: RefreshCommand = { argv: ['refresh'], exits: { '0': 'ok' }, afterHours: 8 };

  it('ends a refresh after 1 MiB of output, and tries again later', async () => {
    const keepAlive = { beforeMs: 20 * MINUTE_MS, retryMs: 10 * MINUTE_MS, atOnce: 2 };
    const world = createWorld({ refresh, settings: { keepAlive, idleMs: 24 * 60 * MINUTE_MS } });
    await world.app.start();
    await connect(world);
    await endOf(world, (await ask(world)).promptId);
    const flood = floodWith(world, { type: 'stdout', line: 'x'.repeat(KIB) }, 2 * KIB);
    await world.clock.advance(MINUTE_MS);
    await until(() => flood.taken > 0 && world.reported.length > 0, 'the refresh has failed');
    expect(flood).toEqual({ taken: KIB + 1, left: true });
    expect(world.reported).toEqual([expect.stringContaining(tooMuch.message)]);
    expect(await world.store.credentials.current(userId, 'fake')).toMatchObject({ valid: true, version: 1 });
    await world.app.close();
  });

  it('ends a logout after 1 MiB of output, and erases the login', async () => {
    const world = await begin();
    await endOf(world, (await ask(world)).promptId);
    const flood = floodWith(world, { type: 'stdout', line: 'x'.repeat(KIB) }, 2 * KIB);
    expect(await world.app.credentials.disconnect(userId, 'fake')).toEqual({ vendorRevoked: false });
    expect(flood).toEqual({ taken: KIB + 1, left: true });
    expect(await world.app.credentials.list(userId)).toEqual([]);
    await world.app.close();
  });
});
