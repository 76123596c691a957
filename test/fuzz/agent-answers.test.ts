import { duplexPair } from 'node:stream';
import { inspect } from 'node:util';

import {
  agentEventSchema,
  agentProblemSchema,
  capturedCredentialSchema,
  executeEventSchema,
  healthSchema,
  SallyportError,
  Secret,
  startLoginResponseSchema,
} from '@sallyport/core';
import type { AgentClient, MachineExit } from '@sallyport/core';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { checkProperty, createVirtualClock } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { openRpcConnection, receiveMessage } from '../../packages/core/src/rpc/connection.ts';
import { rpcLine } from '../../packages/core/src/rpc/message.ts';
import { createAgentClient } from '../../packages/machines/src/agent-client/connect-agent.ts';
import { canary, hostileRuns, hostileValue, jsonTextOf, likeSchema } from './hostile.ts';

const token = 'token-of-this-boot-0123456789-0123456789';
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

const answers = fc.constantFrom(...Object.keys(calls)).chain((name) =>
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

describe('what an agent answers', () => {
  it('is what the protocol says, or an error that quotes neither it nor the token', async () => {
    await checkProperty(
      fc.asyncProperty(answers, async ({ name, status, body, lie }) => {
        const client = answering(status, body, lie);
        const asked = calls[name]?.ask(client);
        const [outcome] = await Promise.allSettled([asked]);
        if (outcome?.status === 'fulfilled') {
          expect(JSON.stringify(outcome.value ?? null).length).toBeLessThanOrEqual(2 * body.length + 1000);
          return;
        }
        const error: unknown = outcome?.reason;
        if (!SallyportError.isInstance(error)) throw error;
        expect(inspect(error, { depth: null })).not.toContain(token);
        // A problem is the agent's own words; anything else may be a credential.
        if (status < 300) expect(inspect(error, { depth: null })).not.toContain(canary);
      }),
      hostileRuns,
    );
  });

  const scripts = [claude, codex, gemini].flatMap(({ manifest }) => [
    ...manifest.logins.flatMap(({ drive }) => (drive.kind === 'json-rpc' ? [drive.steps] : [])),
    ...(manifest.prompt.drive === 'json-rpc' ? [manifest.prompt.steps] : []),
  ]);

  it('over JSON-RPC moves a connection on, whatever it is, and makes it no larger than what was said', async () => {
    const message = fc.oneof(
      fc.record({
        jsonrpc: fc.constant('2.0'),
        id: fc.oneof(fc.constantFrom(...scripts.flat().map(({ id }) => id)), hostileValue),
        result: hostileValue,
      }),
      fc.record({
        id: fc.constantFrom(...scripts.flat().map(({ id }) => id)),
        error: fc.oneof(fc.record({ code: fc.integer(), message: hostileValue }), hostileValue),
      }),
      fc.record({
        id: hostileValue,
        method: fc.oneof(fc.constantFrom('thread/started', 'turn/completed', 'account/login/completed'), hostileValue),
        params: hostileValue,
      }),
      hostileValue,
    );
    await checkProperty(
      fc.property(fc.constantFrom(...scripts), fc.array(jsonTextOf(message), { maxLength: 8 }), (steps, lines) => {
        let { connection } = openRpcConnection(steps, { prompt: 'x', session: 's', cwd: '/', model: 'm' });
        let said = JSON.stringify(connection).length + 1000;
        for (const line of lines) {
          said += 10 * line.length;
          const turn = receiveMessage(connection, line, 0);
          ({ connection } = turn);
          expect(turn.send.length).toBeLessThanOrEqual(steps.length + 1);
          for (const sent of turn.send) expect(sent.length).toBeLessThanOrEqual(said);
        }
        expect(connection.fired.length).toBeLessThanOrEqual(steps.length);
        expect(Object.keys(connection.replies).length).toBeLessThanOrEqual(steps.length);
        expect(rpcLine({ connection }).length).toBeLessThanOrEqual(said);
      }),
      hostileRuns,
    );
  });
});
