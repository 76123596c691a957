import { z } from 'zod';

import { problemOfSteps, rpcOverSchema, rpcPromptStepSchema } from './rpc-step.ts';
import { argumentSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

/** A command of the CLI that ends by itself. */
export const commandSchema = z.strictObject({
  argv: z.array(argumentSchema).min(1).max(20),
  /** What an exit code means; anything else is `unknown`. */
  exits: z.record(z.string().regex(/^\d{1,3}$/), z.enum(['ok', 'not-logged-in', 'failed'])),
});

/**
 * How a CLI logs out. Only for a CLI whose command asks its vendor to revoke the tokens; one that just deletes its file
 * does nothing that erasing the file does not do.
 */
export const logoutCommandSchema = commandSchema.extend({
  /**
   * Any of these in a line of output shows that the vendor has revoked the tokens. Left out for CLIs that do not say: an
   * exit code alone shows nothing where the CLI ends well offline too.
   */
  revoked: z.array(matcherSchema).min(1).max(10).optional(),
});

const commonShape = {
  /** A login that was refreshed so long ago is refreshed again, for CLIs whose tokens do not say when they end. */
  afterHours: z
    .number()
    .int()
    .min(1)
    .max(24 * 90)
    .optional(),
};

const rpcRefreshSchema = z
  .strictObject({
    ...commonShape,
    argv: z.array(argumentSchema).min(1).max(20),
    /** What to tell the CLI. There are no places to fill. */
    steps: z.array(rpcPromptStepSchema).min(1).max(20),
    /** Any of these in a message means that the CLI is done. Its input is closed then, and it ends. */
    over: z.array(rpcOverSchema).min(1).max(10),
    /** Any of these in a message means that the vendor refused, and the user has to log in again. */
    reloginNeeded: z.array(matcherSchema).min(1).max(20),
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
