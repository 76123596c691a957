import type { ServerResponse } from 'node:http';

import { type Clock } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';

import { sendJson, type Site, type Visit } from '../../fake-internet/site.ts';
import type { VendorFaultSwitches } from '../../fake-vendor/faults.ts';
import { streamEvents } from '../../fake-vendor/model/event-stream.ts';
import { bearerOf } from '../../fake-vendor/request.ts';
import { account, type OpenaiLedger } from '../tokens/tokens.ts';
import { planTurn, responsesRequestSchema } from './model-script.ts';
import { commandEvents, type ResponseEvent, textEvents } from './response-events.ts';

export interface ModelApiParts {
  readonly ledger: OpenaiLedger;
  readonly switches: VendorFaultSwitches;
  readonly clock: Clock;
  readonly wordDelayMs: number;
  /** The key that `api.openai.com` accepts in place of a login. */
  readonly apiKey: string;
}

/** `chatgpt.com` and `api.openai.com`, as far as the CLI uses them. Everything needs a live access token. */
export function createModelApi(parts: ModelApiParts): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    const refusal = authorize(bearerOf(request), parts, visit);
    if (refusal) {
      sendJson(response, 401, { error: { type: 'invalid_request_error', param: null, ...refusal } });
      return;
    }
    switch (`${request.method} ${pathname}`) {
      case 'GET /backend-api/wham/accounts/check':
        sendJson(response, 200, accountsCheck);
        return;
      // An empty list makes the CLI use the models it was built with.
      case 'GET /backend-api/codex/models':
      case 'GET /v1/models':
        sendJson(response, 200, { models: [], data: [], object: 'list' });
        return;
      case 'POST /backend-api/codex/responses':
      case 'POST /v1/responses':
        await answerPrompt(response, parts, visit);
        return;
      default:
        sendJson(response, 404, { error: { message: `No such route: ${pathname}`, code: 'not_found' } });
    }
  };
}

const accountsCheck = {
  accounts: [
    {
      id: account.id,
      name: 'Personal',
      structure: 'personal',
      plan_type: account.plan,
      is_deactivated: false,
      workspace_backend_origin: 'https://chatgpt.com',
      account_routing_override: 'NO_CONSTRAINT',
    },
  ],
  account_ordering: [account.id],
  default_account_id: account.id,
};

function authorize(
  token: string | undefined,
  { apiKey, ledger, switches }: ModelApiParts,
  visit: Visit,
): { readonly message: string; readonly code: string | null } | undefined {
  if (token === undefined) return { message: 'Missing bearer or basic authentication in header', code: null };
  const { api401 } = switches.current();
  if (api401 === 'once') switches.change({ api401: false });
  if (token === apiKey && visit.host === 'api.openai.com' && api401 === false) return undefined;
  const { verdict } = ledger.check(token, visit.machineId);
  if (verdict === 'unknown') return { message: 'Incorrect authentication token provided.', code: 'invalid_token' };
  if (verdict === 'live' && api401 === false) return undefined;
  return {
    message: 'Provided authentication token is expired. Please try signing in again.',
    code: 'token_expired',
  };
}

async function answerPrompt(
  response: ServerResponse,
  { switches, clock, wordDelayMs }: ModelApiParts,
  visit: Visit,
): Promise<void> {
  const { modelStatus, slowBytes } = switches.current();
  if (modelStatus !== null) {
    const code = modelStatus === 429 ? 'rate_limit_exceeded' : 'server_error';
    sendJson(response, modelStatus, { error: { message: 'The model was told to fail.', type: code, code } });
    return;
  }
  const parsed = responsesRequestSchema.safeParse(tryParseJson(visit.body));
  const turn = parsed.success
    ? planTurn(parsed.data)
    : { kind: 'refuse' as const, problem: 'The body is not a streaming Responses request.' };
  switch (turn.kind) {
    case 'refuse':
      sendJson(response, 400, { error: { message: turn.problem, type: 'invalid_request_error', code: null } });
      return;
    case 'command':
      await streamEvents(response, streamed(commandEvents(turn.tool, turn.command)), { clock, wordDelayMs, slowBytes });
      return;
    case 'text':
      await streamEvents(response, streamed(textEvents(turn.text)), {
        clock,
        wordDelayMs: turn.wordDelayMs ?? wordDelayMs,
        slowBytes,
      });
  }
}

function streamed(events: readonly ResponseEvent[]) {
  return events.map((data) => ({ event: data.type, data, word: data.type.endsWith('.delta') }));
}
