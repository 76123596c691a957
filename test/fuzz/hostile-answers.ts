import { duplexPair } from 'node:stream';

import { Secret } from '@sallyport/core';
import {
  agentEventSchema,
  agentProblemSchema,
  capturedCredentialSchema,
  executeEventSchema,
  healthSchema,
  startLoginResponseSchema,
} from '@sallyport/core/protocol';
import type { MachineExit } from '@sallyport/core/driver';
import type { AgentClient } from '@sallyport/core/protocol';
import { createVirtualClock } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { z } from 'zod';

import { createAgentClient } from '../../packages/machines/src/agent-client/connect-agent.ts';
import { jsonTextOf, likeSchema } from './hostile.ts';

export const token = 'token-of-this-boot-0123456789-0123456789';
const bodyOf = (schema: z.ZodType) =>
  jsonTextOf(likeSchema(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })));
const streamOf = (schema: z.ZodType) =>
  fc
    .array(bodyOf(schema), { maxLength: 4 })
    .map((events) => events.map((data, index) => `id: ${index + 1}\ndata: ${data}\n\n`).join(''));

const signal = new AbortController().signal;
const run = {
  runId: '7c0f3b1e-6a52-4d0e-9a53-0d9a55a9d2b1',
  provider: 'codex',
  cli: { bin: {}, env: {} },
  argv: ['x'],
  prompt: '',
  workingDirectory: '~/work',
  timeoutMs: 1,
  maxOutputBytes: 1,
};
const loginRequest: Parameters<AgentClient['startLogin']>[1] = Object({ sessionId: run.runId });

/** Each call whose answer is read, with what an agent may say to it. */
const calls: Readonly<
  Record<string, { readonly body: fc.Arbitrary<string>; ask(client: AgentClient): Promise<unknown> }>
> = {
  health: { body: bodyOf(healthSchema), ask: (client) => client.health(signal) },
  startLogin: {
    body: bodyOf(startLoginResponseSchema),
    ask: (client) => client.startLogin('codex', loginRequest, signal),
  },
  capture: { body: bodyOf(capturedCredentialSchema), ask: (client) => client.capture('codex', []) },
  execute: { body: streamOf(executeEventSchema), ask: (client) => collect(client.execute(run, signal)) },
  events: { body: streamOf(agentEventSchema), ask: (client) => collect(client.events(signal)) },
};

/** What an agent answers to one of the calls. */
export const agentAnswers = fc.constantFrom(...Object.keys(calls)).chain((name) =>
  fc.record({
    name: fc.constant(name),
    status: fc.oneof(
      { weight: 6, arbitrary: fc.constant(200) },
      fc.constantFrom(100, 101, 204, 302, 400, 404, 409, 500, 999),
    ),
    body: fc.oneof({ weight: 6, arbitrary: calls[name]?.body ?? fc.string() }, bodyOf(agentProblemSchema)),
    /** How many bytes more, or fewer, it says than it sends. */
    lie: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, 1e15)),
  }),
);

async function collect(events: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A machine whose agent gives one answer to whatever it is asked, and is gone with it. */
function answering(status: number, body: string, lie: number): AgentClient {
  const { promise: exited, resolve } = Promise.withResolvers<MachineExit>();
  const connect = async () => {
    const [near, far] = duplexPair();
    far.on('error', () => {});
    far.once('data', () => {
      const length = Math.max(0, Buffer.byteLength(body) + lie);
      far.end(`HTTP/1.1 ${status} x\r\ncontent-type: text/event-stream\r\ncontent-length: ${length}\r\n\r\n${body}`);
      resolve({ code: 0, signal: null, console: '' });
    });
    return near;
  };
  return createAgentClient({ connect, exited }, new Secret(token), createVirtualClock());
}

export interface AgentAnswer {
  readonly name: string;
  readonly status: number;
  readonly body: string;
  readonly lie: number;
}

/** What a client makes of this answer. */
export async function readAgentAnswer({ name, status, body, lie }: AgentAnswer): Promise<unknown> {
  return calls[name]?.ask(answering(status, body, lie));
}
