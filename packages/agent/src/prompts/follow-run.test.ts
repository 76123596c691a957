import { createVirtualClock } from '../../../testkit/src/clock.ts';
import { systemClock } from '@sallyport/core';
import { executeRequestSchema } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { executeRequest } from '../__fixtures__/test-agent.ts';
import { startCliProcess } from './cli-process.ts';
import { createConversations } from './conversations.ts';
import { followRun } from './follow-run.ts';

const say = {
  id: 'say',
  do: { kind: 'request' as const, method: 'say', params: { text: { slot: 'prompt' as const } }, replyWithinMs: 60_000 },
};

const SCRIPT = `read -r line; echo trouble >&2; read -r go; echo '{"id":"say","result":{}}'; echo '{"method":"done"}'; sleep 600`;

describe('a process that may stay', () => {
  it.each(['cancelled', 'timeout'] as const)(
    'ends where its prompt ends by %s before the receiver has room',
    async (reason) => {
      const clock = createVirtualClock();
      const cli = await startCliProcess({ file: '/bin/sh', argv: ['-c', SCRIPT], cwd: '/', env: {} }, systemClock);
      const room = Promise.withResolvers<void>();
      const isDone = Promise.withResolvers<void>();
      const canceling = new AbortController();
      const command = executeRequestSchema.parse(
        executeRequest({ rpc: { steps: [say], over: [{ when: { pattern: '^done$' } }], values: {} } }),
      );
      const finished = followRun(cli, {
        command,
        clock,
        signal: canceling.signal,
        conversations: createConversations('/thread'),
        send: async (event) => {
          if (event.type === 'stderr') {
            cli.input.write('go\n');
            await room.promise;
          } else if (event.type === 'rpc' && event.message['method'] === 'done') isDone.resolve();
        },
      });
      await isDone.promise;
      await new Promise(setImmediate);
      if (reason === 'cancelled') canceling.abort();
      else await clock.advance(command.timeoutMs);
      room.resolve();
      expect(await finished).toMatchObject({ exit: { type: 'exit', signal: 'SIGTERM', reason }, isUntold: false });
      expect(await finished).not.toHaveProperty('replies');
    },
  );
});
