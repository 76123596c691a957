import { z } from 'zod';

import { toolPolicySchema } from '../contracts/prompt-event.ts';

/** The server's public HTTP API. Names are fixed: add, never rename. */

/** A UUID, or any other name up to 128 characters, which is mapped to a stable UUID. Absent: the local user. */
const userIdSchema = z.string().min(1).max(128).optional();
const providerSchema = z.string().min(1).max(64);

export const userQuerySchema = z.strictObject({ userId: userIdSchema });

export const userParamsSchema = z.strictObject({ userId: userIdSchema.unwrap() });

export const startLoginBodySchema = z.strictObject({
  userId: userIdSchema,
  provider: providerSchema,
  /** A method's id, optionally with the display: `browser`, `browser:local`, `device-code`. */
  method: z.string().min(1).max(64).optional(),
  /** `consent.id` of the provider, where the user has been shown that text: it is recorded with the login. */
  consent: z.string().min(1).max(64).optional(),
  /** A plan login and an API key exclude each other: without this, one refuses to take the place of the other. */
  replace: z.boolean().optional(),
});

export const sessionStatusSchema = z.enum([
  'pending',
  'ready',
  'awaiting_user_auth',
  'completed',
  'failed',
  'cancelled',
]);
const displaySchema = z.enum(['desktop', 'local', 'none']);

export const startedLoginSchema = z.object({
  sessionId: z.uuid(),
  status: sessionStatusSchema,
  method: z.string(),
  display: displaySchema,
  /** Page with the login machine's screen; `null` where the method has none. */
  novncURL: z.string().nullable(),
  /** Address of the login machine; `null` where the method needs none. */
  browserIP: z.string().nullable(),
  /** `null` until the CLI has shown its link. */
  authUrl: z.string().nullable(),
});

/** One way to log in, as the request's `method` names it. */
export const methodChoiceSchema = z.object({
  id: z.string(),
  title: z.string(),
  kind: z.string(),
  display: displaySchema,
  /** The login machine's screen, a browser of one's own, a code to carry from one to the other, a key one has. */
  needs: z.array(z.enum(['desktop', 'own-browser', 'code', 'key'])),
  /** Ids of the credential items it brings. */
  gives: z.array(z.string()),
});

export const loginStatusSchema = z.object({
  sessionId: z.uuid(),
  provider: z.string(),
  status: sessionStatusSchema,
  phase: z.string(),
  method: z.string(),
  display: displaySchema,
  novncURL: z.string().nullable(),
  authUrl: z.string().nullable(),
  userCode: z.string().nullable(),
  /** The last lines of the CLI, where the login has not gone on for some seconds. */
  screen: z.string().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  errorHint: z.string().nullable(),
  /** The ways that could be tried instead. */
  methods: z.array(methodChoiceSchema),
  createdAt: z.string(),
  updatedAt: z.string(),
});

export const sessionParamsSchema = z.strictObject({ id: z.uuid() });
export const answerBodySchema = z.strictObject({ promptId: z.string().min(1).max(64), value: z.string().max(4096) });
export const emptyBodySchema = z.strictObject({}).optional().nullable();

/** A ticket opens the viewer's WebSocket once, within 30 seconds. It travels as the sub-protocol `sallyport.ticket.<ticket>`. */
export const viewerTicketSchema = z.object({ ticket: z.string(), websocketUrl: z.string(), expiresInMs: z.number() });

export const promptBodySchema = z.strictObject({
  userId: userIdSchema,
  provider: providerSchema,
  prompt: z.string(),
  conversationId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be an id that a former prompt returned')
    .optional(),
  model: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'must be a model name')
    .optional(),
  tools: toolPolicySchema.optional(),
});

export const providerListSchema = z.array(
  z.object({
    id: z.string(),
    title: z.string(),
    connected: z.boolean(),
    /** False after the provider refused the login; `null` while not connected. */
    valid: z.boolean().nullable(),
    /** Why the user has to log in again; `null` while they need not. */
    problem: z.string().nullable(),
    /** When the user has to log in again; `null` where nobody knows. */
    loginExpiresAt: z.string().nullable(),
    /** That is within three days. */
    endsSoon: z.boolean(),
    /** When the provider last took the login; `null` while nobody has checked it, such as a key that was just entered. */
    lastVerified: z.string().nullable(),
    account: z.string().nullable(),
    /** `null` while not connected. */
    kind: z.enum(['plan', 'api-key']).nullable(),
    methods: z.array(methodChoiceSchema),
    /** Ways that do not work on this host, each with the reason. */
    unavailable: z.array(z.object({ id: z.string(), title: z.string(), reason: z.string() })),
    /** Address of the vendor's terms. */
    terms: z.string(),
    /** The day somebody last read them for this purpose; `null` where nobody has. */
    termsReviewed: z.string().nullable(),
    /** What to tell the user before they connect. The id changes with the text. */
    consent: z.object({ id: z.string(), text: z.string() }),
    /** Why new logins and prompts are refused; `null` where they are not. */
    disabled: z.object({ reason: z.string(), hint: z.string() }).nullable(),
  }),
);

export const credentialListSchema = z.array(
  z.object({
    provider: z.string(),
    version: z.number().int(),
    valid: z.boolean(),
    account: z.string().nullable(),
    kind: z.enum(['plan', 'api-key']),
    /** Why the user has to log in again; `null` while the login is valid. */
    problem: z.string().nullable(),
    /** The user has to log in again within three days. */
    endsSoon: z.boolean(),
    accessExpiresAt: z.string().nullable(),
    loginExpiresAt: z.string().nullable(),
    /** When the provider last took it; `null` while nobody has checked it, as after an import or the entry of a key. */
    lastVerified: z.string().nullable(),
    updatedAt: z.string(),
  }),
);

/**
 * Answer to a disconnect. `vendorRevoked` is `true` only if the CLI showed that its vendor revoked the tokens, `unknown`
 * if it logged out without an error but does not say so, and `false` if no logout ran to its end.
 */
export const disconnectedSchema = z.object({ vendorRevoked: z.union([z.boolean(), z.literal('unknown')]) });

export const providerParamsSchema = z.strictObject({ provider: providerSchema });
export const importBodySchema = z.strictObject({
  userId: userIdSchema,
  /** Credential item id of the manifest → text of the file, or value of the variable. */
  files: z.record(z.string().max(64), z.string().max(256 * 1024)),
  /** As when a login is started. */
  replace: z.boolean().optional(),
});

export const machineListSchema = z.array(
  z.object({
    vmId: z.string(),
    type: z.enum(['browser', 'cli']),
    status: z.string(),
    driver: z.string(),
    host: z.string(),
    memoryMb: z.number(),
    createdAt: z.string(),
  }),
);

/** What this host does for everybody's machines at the moment. */
export const hostLoadSchema = z.object({
  /** Machines that wait for their turn to be started. */
  waiting: z.number().int(),
  /** Machines that are being started or ended. */
  underWay: z.number().int(),
  running: z.number().int(),
  hibernated: z.number().int(),
  reservedMemoryMb: z.number(),
  /** `null` where there is no limit. */
  memoryLimitMb: z.number().nullable(),
});

/**
 * What a user token lets a user do. `connect`: log in, import a login, disconnect. `prompt`: run prompts and read them.
 * `machines`: hibernate, wake and destroy machines. Without any, the user can look at what is theirs.
 */
export const userTokenScopeSchema = z.enum(['connect', 'prompt', 'machines']);
export type UserTokenScope = z.infer<typeof userTokenScopeSchema>;

export const userTokenBodySchema = z.strictObject({
  userId: userIdSchema.unwrap(),
  scopes: z.array(userTokenScopeSchema).max(10),
  /** Origin of the page that will use the token, such as `https://app.example.com`. Absent: a program, and no page. */
  origin: z.string().max(300).optional(),
  /** Seconds. */
  expiresIn: z.int().min(60).max(3600).default(900),
});

export const userTokenSchema = z.object({
  token: z.string(),
  /** As in everything else that this server says of the user. */
  userId: z.guid(),
  expiresAt: z.string(),
});

export const machineParamsSchema = z.strictObject({ id: z.string().min(1).max(64) });

/** RFC 9457. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  hint: z.string(),
  retryable: z.boolean(),
  requestId: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
