import { z } from 'zod';

import { problemOfSteps, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

/** A command of the CLI that ends by itself. */
export const commandSchema = z.strictObject({
  argv: z.array(argumentSchema).min(1).max(20).describe('Arguments, after the executable.'),
  exits: z
    .record(z.string().regex(/^\d{1,3}$/), z.enum(['ok', 'not-logged-in', 'failed']))
    .describe('What each exit code means, such as `{ "0": "ok", "1": "not-logged-in" }`. Any other code is unknown.'),
});

/**
 * How a CLI logs out. Only for a CLI whose command asks its vendor to revoke the tokens; one that just deletes its file
 * does nothing that erasing the file does not do.
 */
export const logoutCommandSchema = commandSchema.extend({
  revoked: z
    .array(matcherSchema)
    .min(1)
    .max(10)
    .describe(
      'Any of these in a line of output shows that the vendor revoked the tokens. Leave it out if the CLI does not say: some end with exit code 0 offline too.',
    )
    .optional(),
});

const commonShape = {
  afterHours: z
    .number()
    .int()
    .min(1)
    .max(24 * 90)
    .describe(
      'Hours after `issuedAt` by which a login is refreshed, for credentials that do not say when their access token ends. The earlier of the two counts.',
    )
    .optional(),
};

const rpcRefreshSchema = z
  .strictObject({
    ...commonShape,
    argv: z
      .array(argumentSchema)
      .min(1)
      .max(20)
      .describe('Arguments that start the CLI in its JSON-RPC mode, after the executable.'),
    steps: z
      .array(rpcPromptStepSchema)
      .min(1)
      .max(20)
      .describe('What to tell the CLI. No slots: there is no value to fill in.'),
    over: z
      .array(rpcOverSchema)
      .min(1)
      .max(10)
      .describe(
        'Any of these in a message means that the login was refreshed. The input of the CLI is closed then, and it ends.',
      ),
    reloginNeeded: z
      .array(matcherSchema)
      .min(1)
      .max(20)
      .describe(
        'Any of these in a message means that the vendor refused, and the user has to log in again. It outweighs `over`.',
      ),
  })
  .superRefine(({ steps }, context) => {
    const problem = problemOfSteps(steps, []);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['steps'], message: problem });
  });

/**
 * How a CLI refreshes its login without asking a model anything: a command that ends, or a talk over JSON-RPC. Left out
 * for a CLI of which that has not been shown, since keeping a login alive must not spend the user's plan.
 */
export const refreshCommandSchema = z.union([commandSchema.extend(commonShape), rpcRefreshSchema]);

export type RefreshCommand = z.infer<typeof refreshCommandSchema>;
