import { z } from 'zod';

import { timeSchema } from './common.ts';
import { methodChoiceSchema } from './logins.ts';

export const providerSchema = z.object({
  id: z.string(),
  title: z.string(),
  connected: z.boolean(),
  valid: z.boolean().nullable().describe('False after the provider refused the login; null while not connected.'),
  problem: z.string().nullable().describe('Why the user has to log in again; null while they need not.'),
  loginExpiresAt: timeSchema.nullable().describe('When the user has to log in again; null if that is not known.'),
  endsSoon: z.boolean().describe('The login ends within three days.'),
  lastVerified: timeSchema
    .nullable()
    .describe('When the provider last took the login; null until a prompt has used it.'),
  account: z.string().nullable(),
  kind: z.enum(['plan', 'api-key']).nullable().describe('Null while not connected.'),
  methods: z.array(methodChoiceSchema),
  unavailable: z
    .array(z.object({ id: z.string(), title: z.string(), reason: z.string() }))
    .describe('Ways that do not work on this host, each with the reason.'),
  terms: z.string().describe("Address of the vendor's terms."),
  termsReviewed: z.string().nullable().describe('The day the terms were last read for this purpose, if they were.'),
  consent: z
    .object({ id: z.string(), text: z.string() })
    .describe('What to tell the user before they connect. The id changes with the text.'),
  disabled: z
    .object({ reason: z.string(), hint: z.string() })
    .nullable()
    .describe('Why new logins and prompts are refused; null if they are not.'),
});

export const providerListSchema = z.array(providerSchema);
