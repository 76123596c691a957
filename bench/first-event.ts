import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { openRpcConnection, buildArgv, buildRpcRun, receiveMessage } from '@sallyport/core/engine';
import { isRunOver, promptEventSchema } from '@sallyport/core/protocol';
import type { Turn } from '@sallyport/core/engine';
import { manifest } from '@sallyport/provider-codex';

import { readEvents } from '../e2e/support/api.ts';
import { alternate, differences } from './bench.ts';
import type { Bench } from './bench.ts';
import type { DirectCodex } from './support/direct-codex.ts';

/** A process of Codex that waits has done what a new one takes more than this for. */
const LIMIT_MS = -100;
/** One run takes half a second and varies by a tenth of it: only many tell a difference of a few milliseconds. */
const ROUNDS = 4;
const PROMPT = 'Hello there.';

/** When the CLI first said anything, and when the first word of the model arrived. Milliseconds from the start. */
interface Moments {
  readonly cli: number;
  readonly model: number;
}

/**
 * `POST /api/vm/cli/prompt` on a machine that runs, against `codex exec` with the same login, arguments, settings and
 * vendor. Judged is the first text of the model on both sides: our own events that come before do not count.
 */
export const firstEvent: Bench = {
  name: 'first-event',
  run: async (world, count) => {
    const { origin, userId, authJson } = await world.connected();
    const home = await world.codex.makeHome({ '.codex/auth.json': authJson });
    const pairs = await alternate(count * ROUNDS, {
      ours: () => throughSallyport(origin, userId),
      bare: () => directly(world.codex, home),
    });
    const model = pairs.map(({ ours, bare }) => ({ ours: ours.model, bare: bare.model }));
    const cli = pairs.map(({ ours, bare }) => ({ ours: ours.cli, bare: bare.cli }));
    return [
      {
        title: 'first text of a prompt',
        kind: 'difference',
        unit: 'ms',
        samples: differences(model),
        pairs: model,
        limit: LIMIT_MS,
      },
      { title: 'first sign of the CLI', kind: 'difference', unit: 'ms', samples: differences(cli), pairs: cli },
    ];
  },
};

async function throughSallyport(origin: string, userId: string): Promise<Moments> {
  const began = performance.now();
  const response = await fetch(`${origin}/api/vm/cli/prompt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, provider: 'codex', prompt: PROMPT }),
  });
  const moments: { cli?: number; model?: number } = {};
  for await (const { data } of readEvents(response)) {
    const event = promptEventSchema.parse(JSON.parse(data));
    if (event.type !== 'prompt-start' && event.type !== 'machine') moments.cli ??= performance.now() - began;
    if (event.type === 'text') moments.model ??= performance.now() - began;
  }
  return complete(moments);
}

/** The same connection with the bare CLI, without a machine, a server and a journal in between. */
async function directly(codex: DirectCodex, home: string): Promise<Moments> {
  const rpc = buildRpcRun(manifest.prompt, { tools: 'workspace' });
  if (!rpc) throw new Error('Codex is not asked over JSON-RPC.');
  const moments: { cli?: number; model?: number } = {};
  const began = performance.now();
  const run = codex.start(home, buildArgv(manifest.prompt, { tools: 'workspace' }));
  const ended = once(run, 'exit');
  const tell = ({ send }: Turn): void => send.forEach((line) => run.stdin.write(line));
  let turn = openRpcConnection(rpc.steps, { ...rpc.values, prompt: PROMPT });
  tell(turn);
  for await (const line of createInterface({ input: run.stdout })) {
    turn = receiveMessage(turn.connection, line, performance.now() - began);
    tell(turn);
    // The first of its messages that a user hears of, and the first word.
    if (turn.facts.includes('thread result')) moments.cli ??= performance.now() - began;
    if (turn.facts.includes('item/agentMessage/delta')) moments.model ??= performance.now() - began;
    if (isRunOver(rpc, turn)) run.stdin.end();
  }
  await ended;
  return complete(moments);
}

function complete({ cli, model }: { cli?: number; model?: number }): Moments {
  if (cli === undefined || model === undefined) throw new Error('The prompt was not answered.');
  return { cli, model };
}
