import { z } from 'zod';

import { loginStatusSchema, startLoginBodySchema } from './logins.ts';
import { namedUserSchema, providerIdSchema, timeSchema } from './common.ts';
import { providerSchema } from './providers.ts';

export const connectLinkBodySchema = z.strictObject({
  userId: namedUserSchema,
  provider: providerIdSchema.optional().describe('Absent: the user chooses one on the page.'),
  returnUrl: z
    .string()
    .max(2000)
    .describe("Where the user returns to: letter by letter one of the deployment's `connectLinks.returnUrls`."),
  state: z.string().min(1).max(512).optional().describe('Your own text. It comes back in the query of returnUrl.'),
  replace: z.boolean().optional().describe('As when a login is started.'),
  expiresIn: z.int().min(60).max(86_400).default(900).describe('Seconds within which the user has to open the link.'),
});

export const connectLinkSchema = z
  .object({ linkId: z.uuid(), url: z.string(), expiresAt: timeSchema })
  .describe('Send the user there. The URL works once, in the first browser that opens it.');

export const claimBodySchema = z.strictObject({
  code: z.string().min(1).max(100).describe('From the query of returnUrl.'),
  userId: namedUserSchema.describe('The user who is signed in to your product in the browser that has returned.'),
});

export const claimedSchema = z.object({
  userId: z.guid(),
  provider: z.string(),
  version: z.number().int().describe('Version of the credential, which is stored now.'),
});

export const openLinkBodySchema = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('From the fragment of the link. Absent: the browser has opened it before.'),
});

export const linkLoginBodySchema = startLoginBodySchema.pick({ provider: true, method: true, consent: true });
export const linkReturnSchema = z.object({ url: z.string().describe('Where to go now.') });

/** What the page of a link shows. It says nothing of the user. */
export const linkPageSchema = z.object({
  product: z.string().describe('Who asks.'),
  returnHost: z.string(),
  providers: z.array(
    providerSchema.pick({
      id: true,
      title: true,
      methods: true,
      unavailable: true,
      terms: true,
      consent: true,
      disabled: true,
    }),
  ),
  login: loginStatusSchema.nullable().describe('The last login that was started here.'),
  expiresAt: timeSchema,
});
