import { z } from 'zod';

import { credentialItemSchema } from '../provider/credential-item.ts';
import { manifestSchema } from '../provider/manifest.ts';
import { hiddenInWorkSchema } from '../provider/bounded.ts';
import { residentRunSchema } from '../provider/resident.ts';
import { rpcRunSchema } from '../rpc/run.ts';
import { boundedRecord, nameSchema, shortened } from './bounded-fields.ts';
import { messageRunSchema } from './message-run.ts';
import type { LoginMethod } from '../provider/login-method.ts';

/**
 * The agent's HTTP API, on port 8080 of the machine. Every request carries `Authorization: Bearer <token>`
 * of this boot. The server always opens the connection; the agent never calls out.
 *
 * Every string, array and record has a limit. Text for users is cut and marked if it is longer. Anything else that is
 * over its limit is refused: a request with 400, an event or answer with AGENT_REFUSED. Credential files may be far
 * larger than what is stored, so that the ledger refuses them by name instead of the stream of events coming to its end.
 */

export const AGENT_PORT = 8080;

/** Largest request body, in bytes: a prompt of 300 KiB must fit after JSON escaping. */
export const AGENT_MAX_BODY = 2 * 1024 * 1024;

/** Prompts that an agent runs at a time. The server keeps the next ones waiting. */
export const AGENT_MAX_RUNS = 4;

/** Largest credential file, in bytes. */
export const MAX_CREDENTIAL_BYTES = 256 * 1024;

/** Longest path, in characters: PATH_MAX of Linux. */
const pathSchema = z.string().max(4096);
/** Longest sign-in URL that the guard reads is shorter. */
const MAX_URL = 16 * 1024;
/** Longest line of a CLI's output that the agent sends, in characters. */
const MAX_LINE = 1024 * 1024;
const MAX_MESSAGE = 4000;
const MAX_SCREEN = 20_000;
const MAX_ITEMS = 10;

const itemsSchema = z.array(credentialItemSchema).max(MAX_ITEMS);
/** Item id → text. */
const filesSchema = boundedRecord(z.string().max(AGENT_MAX_BODY), MAX_ITEMS);
const portSchema = z.number().int().min(0).max(65_535);

/** How the sign-in page reaches the user: the machine's desktop, their own browser, or not at all. */
export const loginDisplaySchema = z.enum(['desktop', 'local', 'none']);
export type LoginDisplay = z.infer<typeof loginDisplaySchema>;

/** A Unix socket on a shared kernel, or the gateway of a guest's own network. */
export const egressAddressSchema = z.union([
  z.strictObject({ socket: pathSchema.startsWith('/') }),
  z.strictObject({ host: z.ipv4(), port: z.number().int().min(1).max(65_535) }),
]);
export type EgressAddress = Readonly<z.infer<typeof egressAddressSchema>>;

/** Handed to the agent at boot: on standard input by the process driver, on the agent drive by others. */
export const bootConfigSchema = z.strictObject({
  machineId: nameSchema.min(1),
  epoch: z.number().int().nonnegative(),
  role: z.enum(['browser', 'cli']),
  token: nameSchema.min(32),
  listen: z.union([
    z.strictObject({ socket: pathSchema }),
    /** `host` is an address of the machine's; absent, only programs in the machine reach the agent. */
    z.strictObject({ port: z.number().int(), host: z.ipv4().optional() }),
  ]),
  /** Absolute home of the machine, where `~/` of credential paths points. `work` in it is what all CLIs share. */
  home: pathSchema.startsWith('/'),
  /** Absolute directory with a home for each provider, in place of the one above. Absent: one login is all this machine sees. */
  homes: pathSchema.startsWith('/').optional(),
  /** Program that shows each CLI its own home alone, at `home`. Absent: the homes are apart, and any CLI could look. */
  bubblewrap: pathSchema.startsWith('/').optional(),
  /** Absolute directory for the agent's own sockets and small files, outside the home. */
  runtime: pathSchema.startsWith('/'),
  /** Where the machine finds its egress proxy; the agent offers it to the CLIs on a loopback port. Absent: no egress. */
  egress: egressAddressSchema.optional(),
  certificateAuthority: z.string().max(MAX_CREDENTIAL_BYTES).optional(),
  desktop: z.strictObject({ width: z.number().int(), height: z.number().int() }).optional(),
  /** Installation directory of each CLI inside the machine. */
  clis: boundedRecord(pathSchema, 100),
});

export type BootConfig = z.infer<typeof bootConfigSchema>;

export const healthSchema = z.object({
  status: z.literal('ok'),
  timestamp: nameSchema,
  /** Logins and prompts under way. */
  activeSessions: z.number().int().nonnegative(),
});

export type Health = Readonly<z.infer<typeof healthSchema>>;

/** What starting a CLI takes of its manifest; the rest, such as the lockfile, may come along and is dropped. */
const cliSchema = manifestSchema.shape.cli
  .pick({ bin: true, env: true, settings: true, hiddenInWork: true })
  .extend({
    /**
     * What other providers hide of `~/work`. A CLI can fill it, and put nothing else in its place, so that CLIs of several
     * providers may run at the same time.
     */
    pinnedInWork: z.array(hiddenInWorkSchema.element).max(200).default([]),
  })
  .strip();
export type CliLaunch = z.infer<typeof cliSchema>;

const loginMethodShape = manifestSchema.shape.logins.element;

/** `POST /auth/:provider`. Answers when the link or code is known, or the login failed. */
export const startLoginRequestSchema = z.strictObject({
  sessionId: z.uuid(),
  method: loginMethodShape,
  cli: cliSchema,
  credentials: itemsSchema.min(1),
  /** Callback ports that are taken outside and must not be chosen by the CLI. */
  occupyPorts: z.array(portSchema).max(20).default([]),
});

export type StartLoginRequest = z.input<typeof startLoginRequestSchema>;

export const startLoginResponseSchema = z.object({
  success: z.literal(true),
  /** `null` where the method has no link. */
  oauthUrl: z.string().max(MAX_URL).nullable(),
  userCode: nameSchema.nullable(),
});

export type StartLoginResponse = Readonly<z.infer<typeof startLoginResponseSchema>>;

/** `POST /auth/:provider/answer` and `/cancel`. */
export const answerRequestSchema = z.strictObject({
  sessionId: z.uuid(),
  promptId: nameSchema,
  value: z.string().max(4096),
});
export const cancelRequestSchema = z.strictObject({ sessionId: z.uuid() });

/** `POST /desktop/open`: shows a page in the machine's browser. The server has guarded the link. */
export const openPageRequestSchema = z.strictObject({ url: z.url().max(MAX_URL) });

/** `POST /credentials/watch`: offers each new version of a provider's credential from now on. */
export const watchRequestSchema = z.strictObject({ provider: nameSchema, items: itemsSchema });

/** `POST /credentials/ack`: the offer is stored, or refused for good; stop repeating it. */
export const ackRequestSchema = z.strictObject({ offerId: nameSchema });

/** `POST /credentials/capture`: reads the credential now. Answers {@link CapturedCredential} or 404. */
export const captureRequestSchema = z.strictObject({ provider: nameSchema, items: itemsSchema });

/**
 * `POST /execute`. Answers an SSE stream of {@link ExecuteEvent}; closing the connection ends the run.
 * `POST /execute/end-waiting`, without a body, ends the processes that wait for a next prompt.
 */
export const executeRequestSchema = z.strictObject({
  runId: z.uuid(),
  provider: nameSchema,
  cli: cliSchema,
  argv: z.array(z.string().max(AGENT_MAX_BODY)).min(1).max(200),
  prompt: z.string().max(AGENT_MAX_BODY),
  /** Present where the CLI speaks JSON-RPC; the prompt is then part of a request. */
  rpc: rpcRunSchema.optional(),
  /** Present where the process may take the next prompt as well. Only with `rpc`. */
  resident: residentRunSchema.optional(),
  /** Present where the CLI takes the prompt as a line of JSON. Not with `rpc`. */
  messages: messageRunSchema.optional(),
  /** Variables for this run only, for instance a token credential. */
  env: boundedRecord(z.string().max(MAX_CREDENTIAL_BYTES), 200).default({}),
  /** Directory below the home where the CLI runs. */
  workingDirectory: z
    .string()
    .max(4096)
    .regex(/^~\/work(\/[A-Za-z0-9._-]+)*$/),
  timeoutMs: z.number().int().positive(),
  /** Bytes of output after which the run is ended. */
  maxOutputBytes: z.number().int().positive(),
});

export type ExecuteRequest = z.input<typeof executeRequestSchema>;

/**
 * `POST /execute/start-ahead`: starts the process that such a prompt would start, and lets it wait for that prompt. Does
 * nothing where one waits already, where a prompt runs, and for a CLI whose process takes one prompt only.
 */
export const startAheadRequestSchema = executeRequestSchema.omit({
  runId: true,
  prompt: true,
  timeoutMs: true,
  maxOutputBytes: true,
});

export type StartAheadRequest = z.input<typeof startAheadRequestSchema>;

/** Characters that were left out of a line that was too long. What is left of a JSON object is one again. */
const droppedSchema = z.number().int().positive().optional();

/** One SSE `data:` of `/execute`. */
export const executeEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stdout'), line: shortened(MAX_LINE), dropped: droppedSchema }),
  z.object({ type: z.literal('stderr'), line: shortened(MAX_LINE), dropped: droppedSchema }),
  z.object({ type: z.literal('rpc'), message: boundedRecord(z.unknown(), 200), dropped: droppedSchema }),
  z.object({
    type: z.literal('exit'),
    code: z.number().nullable(),
    signal: nameSchema.nullable(),
    reason: z.enum(['ended', 'timeout', 'cancelled', 'output-limit', 'spawn-failed']),
    message: shortened(MAX_MESSAGE).optional(),
  }),
]);

export type ExecuteEvent = z.infer<typeof executeEventSchema>;

/** One SSE `data:` of `GET /events`. Ids count from 1 within a boot; `Last-Event-ID` resumes. */
export const agentEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('login.url'),
    sessionId: nameSchema,
    url: z.string().max(MAX_URL),
    userCode: nameSchema.optional(),
  }),
  z.object({
    type: z.literal('login.prompt'),
    sessionId: nameSchema,
    promptId: nameSchema,
    label: shortened(1000),
    kind: z.enum(['code', 'text', 'choice']),
    secret: z.boolean(),
    choices: z.array(nameSchema).max(50).optional(),
  }),
  /** The CLI has not gone on for some seconds: its last lines. */
  z.object({ type: z.literal('login.still'), sessionId: nameSchema, screen: shortened(MAX_SCREEN) }),
  z.object({ type: z.literal('login.awaiting-callback'), sessionId: nameSchema, port: portSchema }),
  /** The CLI's own listener answered the callback; only the class of the status is told. */
  z.object({ type: z.literal('login.callback'), sessionId: nameSchema, ok: z.boolean() }),
  /** `unrecognised` is the last screen where the CLI ended well, but said so in words that no rule of the method knows. */
  z.object({
    type: z.literal('login.finished'),
    sessionId: nameSchema,
    unrecognised: shortened(MAX_SCREEN).optional(),
  }),
  z.object({
    type: z.literal('login.failed'),
    sessionId: nameSchema,
    code: nameSchema,
    message: shortened(MAX_MESSAGE),
    screen: shortened(MAX_SCREEN),
  }),
  z.object({ type: z.literal('desktop.ready') }),
  z.object({ type: z.literal('desktop.failed'), message: shortened(MAX_MESSAGE) }),
  /** Repeated until acknowledged. `files` are item id → text. */
  z.object({
    type: z.literal('credential.offered'),
    offerId: nameSchema,
    provider: nameSchema,
    sessionId: nameSchema.optional(),
    files: filesSchema,
  }),
  z.object({
    type: z.literal('credential.rejected'),
    provider: nameSchema,
    sessionId: nameSchema.optional(),
    problem: shortened(1000),
  }),
]);

export type AgentEvent = z.infer<typeof agentEventSchema>;

export const capturedCredentialSchema = z.object({ files: filesSchema });

export interface CapturedCredential {
  readonly files: Readonly<Record<string, string>>;
}

/** Body of every answer that is not 2xx. */
export const agentProblemSchema = z.object({
  code: z.string().max(100),
  message: shortened(MAX_MESSAGE),
  /** What to do next. Absent: what the table of errors says. */
  hint: shortened(MAX_MESSAGE).optional(),
});

export type AgentProblem = Readonly<z.infer<typeof agentProblemSchema>>;

export type { LoginMethod };
