import { z } from 'zod';

import { argumentSchema, methodEnvironmentSchema } from './bounded.ts';
import { rpcLoginStepSchema } from './rpc-step.ts';

/**
 * A CLI that speaks JSON-RPC over its standard input and output, one message a line. The engine reads its messages
 * instead of a screen, by the same matchers; see `factsOf` for how they read.
 */
export const rpcDriveSchema = z.strictObject({
  kind: z.literal('json-rpc').describe('The CLI speaks JSON-RPC on its standard input and output, one message a line.'),
  argv: z
    .array(argumentSchema)
    .min(1)
    .max(40)
    .describe('Arguments that start the CLI in this mode, after the executable.'),
  env: methodEnvironmentSchema,
  steps: z
    .array(rpcLoginStepSchema)
    .min(1)
    .max(30)
    .describe(
      'What to send, or to ask the user, when the CLI sends something. Steps have no order, and each fires once.',
    ),
});
