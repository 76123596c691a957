import { z } from 'zod';

import { argumentSchema, environmentNameSchema } from './bounded.ts';
import { rpcLoginStepSchema } from './rpc-step.ts';

/**
 * A CLI that speaks JSON-RPC over its standard input and output, one message a line. The engine reads its messages
 * instead of a screen, by the same matchers; see `factsOf` for how they read.
 */
export const rpcDriveSchema = z.strictObject({
  kind: z.literal('json-rpc'),
  argv: z.array(argumentSchema).min(1).max(40),
  /** Variables for this method only, on top of those of `cli.env`. */
  env: z.record(environmentNameSchema, z.string().max(500)).optional(),
  steps: z.array(rpcLoginStepSchema).min(1).max(30),
});
