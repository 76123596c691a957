import { z } from 'zod';

import { credentialItemSchema } from '../provider/credential-item.ts';
import { manifestSchema } from '../provider/manifest.ts';
import { rpcRunSchema } from '../rpc/run.ts';
import type { LoginMethod } from '../provider/login-method.ts';

/**
 * The agent's HTTP API, on port 8080 of the machine. Every request carries `Authorization: Bearer <token>`
 * of this boot. The server always opens the connection; the agent never calls out.
 */

export const AGENT_PORT = 8080;

/** Largest request body, in bytes: a prompt of 300 KiB must fit after JSON escaping. */
export const AGENT_MAX_BODY = 2 * 1024 * 1024;

/** Largest credential file, in bytes. */
export const MAX_CREDENTIAL_BYTES = 256 * 1024;

/** How the sign-in page reaches the user: the machine's desktop, their own browser, or not at all. */
export const loginDisplaySchema = z.enum(['desktop', 'local', 'none']);
export type LoginDisplay = z.infer<typeof loginDisplaySchema>;

/** A Unix socket on a shared kernel, or the gateway of a guest's own network. */
export const egressAddressSchema = z.union([
  z.strictObject({ socket: z.string().startsWith('/') }),
  z.strictObject({ host: z.ipv4(), port: z.number().int().min(1).max(65_535) }),
]);
export type EgressAddress = Readonly<z.infer<typeof egressAddressSchema>>;

/** Handed to the agent at boot: on standard input by the process driver, on the agent drive by others. */
export const bootConfigSchema = z.strictObject({
  machineId: z.string().min(1),
  epoch: z.number().int().nonnegative(),
  role: z.enum(['browser', 'cli']),
  token: z.string().min(32),
  listen: z.union([
    z.strictObject({ socket: z.string() }),
    /** `host` is an address of the machine's; absent, only programs in the machine reach the agent. */
    z.strictObject({ port: z.number().int(), host: z.ipv4().optional() }),
  ]),
  /** Absolute home of the machine, where `~/` of credential paths points. `work` in it is what all CLIs share. */
  home: z.string().startsWith('/'),
  /** Absolute directory with a home for each provider, in place of the one above. Absent: one login is all this machine sees. */
  homes: z.string().startsWith('/').optional(),
  /** Program that shows each CLI its own home alone, at `home`. Absent: the homes are apart, and any CLI could look. */
  bubblewrap: z.string().startsWith('/').optional(),
  /** Absolute directory for the agent's own sockets and small files, outside the home. */
  runtime: z.string().startsWith('/'),
  /** Where the machine finds its egress proxy; the agent offers it to the CLIs on a loopback port. Absent: no egress. */
  egress: egressAddressSchema.optional(),
  certificateAuthority: z.string().optional(),
  desktop: z.strictObject({ width: z.number().int(), height: z.number().int() }).optional(),
  /** Installation directory of each CLI inside the machine. */
  clis: z.record(z.string(), z.string()),
});

export type BootConfig = z.infer<typeof bootConfigSchema>;

export const healthSchema = z.object({
  status: z.literal('ok'),
  timestamp: z.string(),
  /** Logins and prompts under way. */
  activeSessions: z.number().int().nonnegative(),
});

export type Health = Readonly<z.infer<typeof healthSchema>>;

/** What starting a CLI takes of its manifest; the rest, such as the lockfile, may come along and is dropped. */
const cliSchema = manifestSchema.shape.cli.pick({ bin: true, env: true, settings: true }).strip();
export type CliLaunch = z.infer<typeof cliSchema>;

const loginMethodShape = manifestSchema.shape.logins.element;

/** `POST /auth/:provider`. Answers when the link or code is known, or the login failed. */
export const startLoginRequestSchema = z.strictObject({
  sessionId: z.uuid(),
  method: loginMethodShape,
  cli: cliSchema,
  credentials: z.array(credentialItemSchema).min(1),
  /** Callback ports that are taken outside and must not be chosen by the CLI. */
  occupyPorts: z.array(z.number().int()).default([]),
});

export type StartLoginRequest = z.input<typeof startLoginRequestSchema>;

export const startLoginResponseSchema = z.object({
  success: z.literal(true),
  /** `null` where the method has no link. */
  oauthUrl: z.string().nullable(),
  userCode: z.string().nullable(),
});

export type StartLoginResponse = Readonly<z.infer<typeof startLoginResponseSchema>>;

/** `POST /auth/:provider/answer` and `/cancel`. */
export const answerRequestSchema = z.strictObject({
  sessionId: z.uuid(),
  promptId: z.string(),
  value: z.string().max(4096),
});
export const cancelRequestSchema = z.strictObject({ sessionId: z.uuid() });

/** `POST /desktop/open`: shows a page in the machine's browser. The server has guarded the link. */
export const openPageRequestSchema = z.strictObject({ url: z.url() });

/** `POST /credentials/watch`: offers each new version of a provider's credential from now on. */
export const watchRequestSchema = z.strictObject({ provider: z.string(), items: z.array(credentialItemSchema) });

/** `POST /credentials/ack`: the offer is stored, or refused for good; stop repeating it. */
export const ackRequestSchema = z.strictObject({ offerId: z.string() });

/** `POST /credentials/capture`: reads the credential now. Answers {@link CapturedCredential} or 404. */
export const captureRequestSchema = z.strictObject({ provider: z.string(), items: z.array(credentialItemSchema) });

/** `POST /execute`. Answers an SSE stream of {@link ExecuteEvent}; closing the connection ends the run. */
export const executeRequestSchema = z.strictObject({
  runId: z.uuid(),
  provider: z.string(),
  cli: cliSchema,
  argv: z.array(z.string()).min(1),
  prompt: z.string(),
  /** Present where the CLI speaks JSON-RPC; the prompt is then part of a request. */
  rpc: rpcRunSchema.optional(),
  /** Variables for this run only, for instance a token credential. */
  env: z.record(z.string(), z.string()).default({}),
  /** Directory below the home where the CLI runs. */
  workingDirectory: z.string().regex(/^~\/work(\/[A-Za-z0-9._-]+)*$/),
  timeoutMs: z.number().int().positive(),
  /** Bytes of output after which the run is ended. */
  maxOutputBytes: z.number().int().positive(),
});

export type ExecuteRequest = z.input<typeof executeRequestSchema>;

/** One SSE `data:` of `/execute`. */
export const executeEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stdout'), line: z.string() }),
  z.object({ type: z.literal('stderr'), line: z.string() }),
  z.object({ type: z.literal('rpc'), message: z.record(z.string(), z.unknown()) }),
  z.object({
    type: z.literal('exit'),
    code: z.number().nullable(),
    signal: z.string().nullable(),
    reason: z.enum(['ended', 'timeout', 'cancelled', 'output-limit', 'spawn-failed']),
    message: z.string().optional(),
  }),
]);

export type ExecuteEvent = z.infer<typeof executeEventSchema>;

/** One SSE `data:` of `GET /events`. Ids count from 1 within a boot; `Last-Event-ID` resumes. */
export const agentEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('login.url'), sessionId: z.string(), url: z.string(), userCode: z.string().optional() }),
  z.object({
    type: z.literal('login.prompt'),
    sessionId: z.string(),
    promptId: z.string(),
    label: z.string(),
    kind: z.enum(['code', 'text', 'choice']),
    secret: z.boolean(),
    choices: z.array(z.string()).optional(),
  }),
  z.object({ type: z.literal('login.awaiting-callback'), sessionId: z.string(), port: z.number() }),
  /** The CLI's own listener answered the callback; only the class of the status is told. */
  z.object({ type: z.literal('login.callback'), sessionId: z.string(), ok: z.boolean() }),
  /** `unrecognised` is the last screen where the CLI ended well, but said so in words that no rule of the method knows. */
  z.object({ type: z.literal('login.finished'), sessionId: z.string(), unrecognised: z.string().optional() }),
  z.object({
    type: z.literal('login.failed'),
    sessionId: z.string(),
    code: z.string(),
    message: z.string(),
    screen: z.string(),
  }),
  z.object({ type: z.literal('desktop.ready') }),
  z.object({ type: z.literal('desktop.failed'), message: z.string() }),
  /** Repeated until acknowledged. `files` are item id → text. */
  z.object({
    type: z.literal('credential.offered'),
    offerId: z.string(),
    provider: z.string(),
    sessionId: z.string().optional(),
    files: z.record(z.string(), z.string()),
  }),
  z.object({
    type: z.literal('credential.rejected'),
    provider: z.string(),
    sessionId: z.string().optional(),
    problem: z.string(),
  }),
]);

export type AgentEvent = z.infer<typeof agentEventSchema>;

export const capturedCredentialSchema = z.object({ files: z.record(z.string(), z.string()) });

export interface CapturedCredential {
  readonly files: Readonly<Record<string, string>>;
}

/** Body of every answer that is not 2xx. */
export const agentProblemSchema = z.object({ code: z.string().max(100), message: z.string().max(4000) });

export type AgentProblem = Readonly<z.infer<typeof agentProblemSchema>>;

export type { LoginMethod };
