import { z } from 'zod';

import { matchText } from '../provider/matcher.ts';
import type { Turn } from './connection.ts';
import { rpcOverSchema, rpcPromptStepSchema } from '../provider/rpc-step.ts';
import { valueAt } from '../provider/rpc-template.ts';

/** A headless run over JSON-RPC, as the agent gets it: the prompt itself goes into `{ slot: 'prompt' }` there. */
export const rpcRunSchema = z.strictObject({
  steps: z.array(rpcPromptStepSchema).min(1).max(20),
  /** Any of these in a message means that the answer is complete. */
  over: z.array(rpcOverSchema).min(1).max(10),
  values: z.record(z.string(), z.json()),
});

export type RpcRun = z.infer<typeof rpcRunSchema>;

/** Whether nothing more is to come. Nothing follows an error either: the step after it would have needed the reply. */
export function isRunOver({ over }: RpcRun, { facts, message, refusal, connection }: Turn): boolean {
  if (refusal !== undefined) return true;
  const text = facts.join('\n');
  return over.some(({ when, same }) => {
    if (matchText(when, text) === undefined) return false;
    return !same || valueAt(message?.['params'], same.at) === valueAt(connection.replies[same.as.reply], same.as.at);
  });
}
