import { inspect } from 'node:util';

import { SallyportError } from '@sallyport/core';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { checkProperty } from '@sallyport/testkit';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { openRpcConnection, receiveMessage } from '../../packages/core/src/rpc/connection.ts';
import { rpcLine } from '../../packages/core/src/rpc/message.ts';
import { agentAnswers, readAgentAnswer, token } from './hostile-answers.ts';
import { canary, hostileRuns, hostileValue, jsonTextOf } from './hostile.ts';

describe('what an agent answers', () => {
  it('is what the protocol says, or an error that quotes neither it nor the token', async () => {
    await checkProperty(
      fc.asyncProperty(agentAnswers, async (answer) => {
        const { body, status } = answer;
        const [outcome] = await Promise.allSettled([readAgentAnswer(answer)]);
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
