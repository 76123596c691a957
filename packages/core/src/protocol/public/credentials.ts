import { z } from 'zod';

import { timeSchema, userIdSchema } from './common.ts';

export const credentialSchema = z.object({
  provider: z.string(),
  version: z.number().int().describe('One more each time the CLI refreshes the login.'),
  valid: z.boolean(),
  account: z.string().nullable(),
  kind: z.enum(['plan', 'api-key']),
  problem: z.string().nullable().describe('Why the user has to log in again; null while the login is valid.'),
  endsSoon: z.boolean().describe('The user has to log in again within three days.'),
  accessExpiresAt: timeSchema.nullable(),
  loginExpiresAt: timeSchema.nullable(),
  lastVerified: timeSchema
    .nullable()
    .describe('When the provider last took it; null until a prompt has used it, as after an import.'),
  updatedAt: timeSchema,
});

export const credentialListSchema = z.array(credentialSchema);

export const importBodySchema = z.strictObject({
  userId: userIdSchema,
  files: z
    .record(z.string().max(64), z.string().max(256 * 1024))
    .describe("Credential item of the provider's manifest to the text of the file, or the value of the variable."),
  replace: z.boolean().optional().describe('As when a login is started.'),
});

export const importedSchema = z.object({ version: z.number().int() });

export const disconnectedSchema = z.object({
  vendorRevoked: z
    .union([z.boolean(), z.literal('unknown')])
    .describe(
      '`true` only if the CLI showed that its vendor revoked the tokens, `unknown` if it logged out without an error ' +
        'but does not say so, and `false` if no logout ran to its end.',
    ),
});
