import type { ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';

import { sendJson, type Site, type Visit } from '../../fake-internet/site.ts';
import type { OpenaiFaultSwitches } from '../faults.ts';
import { account } from '../tokens/json-web-token.ts';
import { planTurn, responsesRequestSchema } from './model-script.ts';
import { commandEvents, type ResponseEvent, textEvents } from './response-events.ts';
import type { TokenLedger } from '../tokens/token-ledger.ts';

export interface ModelApiParts {
  readonly ledger: TokenLedger;
  readonly switches: OpenaiFaultSwitches;
  readonly clock: Clock;
  readonly wordDelayMs: number;
}

/** `chatgpt.com` and `api.openai.com`, as far as the CLI uses them. Everything needs a live access token. */
export function createModelApi(parts: ModelApiParts): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    const refusal = authorize(request.headers.authorization, parts, visit);
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
  header: string | undefined,
  { ledger, switches }: ModelApiParts,
  visit: Visit,
): { readonly message: string; readonly code: string | null } | undefined {
  const token = /^Bearer (?<token>\S+)$/.exec(header ?? '')?.groups?.['token'];
  if (token === undefined) return { message: 'Missing bearer or basic authentication in header', code: null };
  const { api401 } = switches.current();
  if (api401 === 'once') switches.change({ api401: false });
  const verdict = ledger.check(token, visit.machineId);
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
      await stream(response, clock, commandEvents(turn.tool, turn.command), 0, slowBytes);
      return;
    case 'text':
      await stream(response, clock, textEvents(turn.text), turn.wordDelayMs ?? wordDelayMs, slowBytes);
  }
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function stream(
  response: ServerResponse,
  clock: Clock,
  events: readonly ResponseEvent[],
  wordDelayMs: number,
  slowBytes: number | null,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  try {
    for (const event of events) {
      const bytes = Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      const size = slowBytes ?? bytes.length;
      for (let offset = 0; offset < bytes.length; offset += size) {
        response.write(bytes.subarray(offset, offset + size));
        if (slowBytes !== null) await clock.sleep(5, gone.signal);
      }
      if (wordDelayMs > 0 && event.type.endsWith('.delta')) await clock.sleep(wordDelayMs, gone.signal);
    }
    response.end();
  } catch (error) {
    // The CLI hung up in the middle of the answer: nobody is left to be told.
    if (!gone.signal.aborted) throw error;
  }
}
