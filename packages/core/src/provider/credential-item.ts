import { z } from 'zod';

import { environmentNameSchema, homePathSchema, idSchema, pointerSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';

const credentialFileSchema = z.strictObject({
  as: z.literal('file'),
  id: idSchema,
  role: z.enum(['secret', 'settings']),
  format: z.enum(['json', 'text']),
  /** Octal permission bits. */
  mode: z.literal(0o600).default(0o600),
  rotates: z.boolean(),
  /** JSON pointers that must be present and not empty: the agent can tell "complete". */
  require: z.array(pointerSchema).max(20),
  write: z.enum(['replace', 'merge-json']),
  paths: z.strictObject({ browser: homePathSchema, cli: homePathSchema }),
});

const credentialEnvironmentSchema = z.strictObject({
  as: z.literal('environment'),
  id: idSchema,
  name: environmentNameSchema,
  from: z.union([matcherSchema, z.literal('person')]),
});

export const credentialItemSchema = z.discriminatedUnion('as', [credentialFileSchema, credentialEnvironmentSchema]);

export type CredentialItem = z.infer<typeof credentialItemSchema>;
export type CredentialFileItem = z.infer<typeof credentialFileSchema>;
