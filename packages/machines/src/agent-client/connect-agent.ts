import { SallyportError, systemClock } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';
import { capturedCredentialSchema, healthSchema, startLoginResponseSchema } from '@sallyport/core/protocol';
import type { Clock, Secret } from '@sallyport/core';
import type { AgentClient, ConnectAgent } from '@sallyport/core/protocol';

import { requestText } from './agent-request.ts';
import type { AgentRequest, AgentTarget } from './agent-request.ts';
import { listFiles, readFile } from './agent-files.ts';
import { followEvents, runCli } from './agent-streams.ts';
import { upgradeDesktop } from './upgrade-desktop.ts';

/** For calls without a deadline: the agent only does a small thing and answers. */
const ANSWER_TIMEOUT_MS = 15_000;
/** A desktop that is still starting comes first, which the agent gives five minutes, then the page, which gets two. */
const OPEN_PAGE_TIMEOUT_MS = 430_000;

/** The agent's HTTP API over the machine's own channel, on the system's clock. */
export const connectAgent: ConnectAgent = (machine, token) => createAgentClient(machine, token, systemClock);

export function createAgentClient(machine: AgentTarget['machine'], token: Secret, clock: Clock): AgentClient {
  const target: AgentTarget = { machine, token };

  async function send(request: AgentRequest, parent?: AbortSignal, withinMs = ANSWER_TIMEOUT_MS): Promise<string> {
    using deadline = clock.deadline(withinMs, () => timedOut(request, withinMs), parent);
    // Awaited: the deadline ends with this block.
    return await requestText(target, request, deadline.signal);
  }

  async function post(path: string, body: unknown, withinMs?: number): Promise<void> {
    await send({ method: 'POST', path, body }, undefined, withinMs);
  }

  return {
    health: async (signal) =>
      parse(healthSchema, 'GET /health', await send({ method: 'GET', path: '/health' }, signal)),
    // Answers only when the link is known or the login has failed: the caller's deadline counts.
    startLogin: async (provider, request, signal) =>
      parse(
        startLoginResponseSchema,
        'POST /auth',
        await requestText(target, { method: 'POST', path: loginPath(provider), body: request }, signal),
      ),
    answer: (provider, request) => post(`${loginPath(provider)}/answer`, request),
    cancelLogin: (provider, request) => post(`${loginPath(provider)}/cancel`, request),
    callback: async (query, signal) => {
      const request = { method: 'GET', path: `/auth/callback?${query.toString()}` } as const;
      // The CLI answers only after it has exchanged the code with its vendor: the caller's deadline counts.
      return requestText(target, request, signal).then(
        () => true,
        (error: unknown) => {
          if (SallyportError.isInstance(error) && error.code === 'LOGIN_CALLBACK_REFUSED') {
            return false;
          }
          throw error;
        },
      );
    },
    openPage: (url) => post('/desktop/open', { url }, OPEN_PAGE_TIMEOUT_MS),
    watchCredentials: (provider, items) => post('/credentials/watch', { provider, items }),
    startAhead: async (request, signal) =>
      void (await send({ method: 'POST', path: '/execute/start-ahead', body: request }, signal)),
    endWaiting: () => post('/execute/end-waiting', {}),
    acknowledge: (offerId) => post('/credentials/ack', { offerId }),
    capture: async (provider, items) => {
      const request = { method: 'POST', path: '/credentials/capture', body: { provider, items } } as const;
      try {
        return parse(capturedCredentialSchema, 'POST /credentials/capture', await send(request)).files;
      } catch (error) {
        if (SallyportError.isInstance(error) && error.details['status'] === 404) {
          return undefined;
        }
        throw error;
      }
    },
    events: (signal) => followEvents(target, clock, signal),
    execute: (request, signal) => runCli(target, request, signal),
    listFiles: (request, signal) => listFiles(target, request, signal),
    readFile: (path, signal) => readFile(target, path, signal),
    upgradeDesktop: async (request, signal) => {
      const late = (): SallyportError => timedOut({ method: 'GET', path: '/vnc' }, ANSWER_TIMEOUT_MS);
      using deadline = clock.deadline(ANSWER_TIMEOUT_MS, late, signal);
      return await upgradeDesktop(target, request, deadline.signal);
    },
  };
}

interface AnswerSchema<T> {
  safeParse(value: unknown): { readonly success: boolean; readonly data?: T | undefined };
}

function parse<T>(schema: AnswerSchema<T>, what: string, text: string): T {
  const { data } = schema.safeParse(tryParseJson(text));
  if (data === undefined) {
    throw new SallyportError('AGENT_REFUSED', `The agent answered ${what} with something that is not in the protocol.`);
  }
  return data;
}

function loginPath(provider: string): string {
  return `/auth/${encodeURIComponent(provider)}`;
}

function timedOut(request: AgentRequest, withinMs: number): SallyportError {
  const path = request.path.replace(/\?.*$/s, '');
  return new SallyportError(
    'AGENT_UNREACHABLE',
    `The agent did not answer ${request.method} ${path} within ${withinMs / 1000} s.`,
  );
}
