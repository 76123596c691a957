import { executeRequestSchema, startAheadRequestSchema } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';

import type { Route } from '../http/router.ts';
import { openEventStream } from '../http/sse.ts';
import type { PromptRunner } from '../prompts/prompt-runner.ts';

export function executeRoutes(prompts: PromptRunner, clock: Clock): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/execute',
      handle: async ({ body, response, signal }) => {
        const command = await body(executeRequestSchema);
        using prompt = await prompts.prepare(command);
        const stream = openEventStream(response, clock, signal);
        await prompt.run((event) => stream.send(event), signal);
        stream.end();
        return undefined;
      },
    },
    {
      method: 'POST',
      path: '/execute/start-ahead',
      handle: async ({ body }) => {
        await prompts.startAhead(await body(startAheadRequestSchema));
        return { success: true };
      },
    },
    {
      method: 'POST',
      path: '/execute/end-waiting',
      handle: async () => {
        await prompts.endWaiting();
        return { success: true };
      },
    },
  ];
}
