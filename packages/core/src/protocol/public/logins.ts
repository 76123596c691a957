import { z } from 'zod';

import { sessionStatusSchema } from '../../contracts/login-event.ts';
import { loginDisplaySchema } from '../agent-api.ts';
import { providerIdSchema, timeSchema, userIdSchema } from './common.ts';

export const startLoginBodySchema = z.strictObject({
  userId: userIdSchema,
  provider: providerIdSchema,
  method: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("A method's id, optionally with the display: `browser`, `browser:local`, `device-code`."),
  consent: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('`consent.id` of the provider, if the user has been shown that text. It is recorded with the login.'),
  replace: z
    .boolean()
    .optional()
    .describe('A plan login and an API key exclude each other. Without this, one does not replace the other.'),
});

export const prepareBodySchema = z
  .strictObject({
    userId: userIdSchema,
    provider: providerIdSchema
      .optional()
      .describe('What the user may connect. Nothing is prepared if that needs no screen. Default: any provider.'),
  })
  .optional()
  .nullable();

const displaySchema = loginDisplaySchema.describe(
  "Where the sign-in page opens: on the login machine's screen, in the user's own browser, or not at all.",
);
const novncUrlSchema = z
  .string()
  .nullable()
  .describe("Page with the login machine's screen; null if the method has none.");

export const startedLoginSchema = z.object({
  sessionId: z.uuid(),
  status: sessionStatusSchema,
  method: z.string(),
  display: displaySchema,
  novncURL: novncUrlSchema,
  browserIP: z.string().nullable().describe('Address of the login machine; null if the method needs none.'),
  authUrl: z.string().nullable().describe("The vendor's sign-in page; null until the CLI has shown it."),
});

export const methodChoiceSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    kind: z.string(),
    display: displaySchema,
    needs: z
      .array(z.enum(['desktop', 'own-browser', 'code', 'key']))
      .describe('What the user needs for it: a screen shown here, a browser, a code to carry over, a key.'),
    gives: z.array(z.string()).describe('Ids of the credential items it yields.'),
  })
  .describe('One way to log in. The request names it by its id.');

export const loginStatusSchema = z.object({
  sessionId: z.uuid(),
  provider: z.string(),
  status: sessionStatusSchema,
  phase: z.string(),
  method: z.string(),
  display: displaySchema,
  novncURL: novncUrlSchema,
  authUrl: z.string().nullable(),
  userCode: z.string().nullable().describe("What to type on the vendor's page."),
  expiresAt: timeSchema.nullable().describe('When `userCode` ends; null without a code, or if that is not known.'),
  pageHost: z.string().nullable().describe("Host of the vendor's page that the login machine has opened."),
  screen: z.string().nullable().describe('The last lines of the CLI, if the login has not gone on for some seconds.'),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  errorHint: z.string().nullable(),
  methods: z.array(methodChoiceSchema).describe('The ways that could be tried instead.'),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});

export const sessionParamsSchema = z.strictObject({ id: z.uuid() });
export const answerBodySchema = z.strictObject({ promptId: z.string().min(1).max(64), value: z.string().max(4096) });

export const viewerTicketSchema = z
  .object({ ticket: z.string(), websocketUrl: z.string(), expiresInMs: z.number() })
  .describe(
    "Opens the viewer's WebSocket once, within 30 seconds. It travels as the sub-protocol `sallyport.ticket.<ticket>`.",
  );
