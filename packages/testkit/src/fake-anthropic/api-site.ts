import type { IncomingMessage, ServerResponse } from 'node:http';

import { type Clock } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';
import { z } from 'zod';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import type { VendorFaultSwitches } from '../fake-vendor/faults.ts';
import { streamEvents } from '../fake-vendor/model/event-stream.ts';
import { bearerOf } from '../fake-vendor/request.ts';
import { commandBlock, messageEvents, textBlock, wholeMessage } from './message-events.ts';
import { messagesRequestSchema, planTurn } from './messages-script.ts';
import { account, type AnthropicLedger } from './tokens.ts';

export interface ApiParts {
  readonly ledger: AnthropicLedger;
  readonly switches: VendorFaultSwitches;
  readonly clock: Clock;
  readonly wordDelayMs: number;
  /** The key that is accepted in place of a login. */
  readonly apiKey: string;
  /** A long-lived token that is accepted too. */
  readonly setupToken: string;
}

/** `api.anthropic.com`: the model, and whose plan it is. All but the greeting needs a live token or the key. */
export function createApiSite(parts: ApiParts): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    const route = `${request.method} ${pathname}`;
    // The CLI asks before its first start whether anybody is there.
    if (route === 'GET /api/hello') {
      sendJson(response, 200, { message: 'hello' });
      return;
    }
    const caller = authorize(request, parts, visit);
    if ('refusal' in caller) {
      sendError(response, 401, 'authentication_error', caller.refusal);
      return;
    }
    const needed = neededScopes[route] ?? 'user:inference';
    if (!caller.scopes.includes(needed)) {
      sendError(response, 403, 'permission_error', `OAuth token does not meet scope requirement ${needed}`);
      return;
    }
    switch (route) {
      case 'GET /api/oauth/profile':
        sendJson(response, 200, profile);
        return;
      // Asked for by a login without the scope for the plan's own inference.
      case 'POST /api/oauth/claude_cli/create_api_key':
        sendJson(response, 200, { raw_key: parts.apiKey });
        return;
      case 'GET /api/oauth/claude_cli/roles':
        sendJson(response, 200, roles);
        return;
      case 'POST /v1/messages/count_tokens':
        sendJson(response, 200, { input_tokens: 10 });
        return;
      case 'POST /v1/messages':
        await answerPrompt(response, parts, visit);
        return;
      default:
        sendError(response, 404, 'not_found_error', `No such route: ${pathname}`);
    }
  };
}

/** What a request may do, or why it may do nothing. */
function authorize(
  request: IncomingMessage,
  { ledger, switches, apiKey, setupToken }: ApiParts,
  visit: Visit,
): { readonly scopes: readonly string[] } | { readonly refusal: string } {
  const key = request.headers['x-api-key'];
  const token = bearerOf(request);
  if (token === undefined && key === undefined) return { refusal: 'x-api-key header is required' };
  const { api401 } = switches.current();
  if (api401 === 'once') switches.change({ api401: false });
  if (token === undefined) {
    return key === apiKey && api401 === false ? { scopes: ['user:inference'] } : { refusal: 'invalid x-api-key' };
  }
  if (token === setupToken && api401 === false) return { scopes: ['user:inference'] };
  const checked = ledger.check(token, visit.machineId);
  if (checked.verdict === 'unknown') return { refusal: 'Invalid bearer token' };
  if (checked.verdict === 'live' && api401 === false) return { scopes: checked.family.scope.split(' ') };
  return {
    refusal: 'OAuth token has expired. Please obtain a new token or refresh your existing token.',
  };
}

/** Where it is another one than for the model. */
const neededScopes: Readonly<Record<string, string>> = {
  'GET /api/oauth/profile': 'user:profile',
  'GET /api/oauth/claude_cli/roles': 'user:profile',
  'POST /api/oauth/claude_cli/create_api_key': 'org:create_api_key',
};

const profile = {
  account: {
    uuid: account.id,
    email: account.email,
    full_name: 'Person',
    display_name: 'Person',
    has_claude_max: true,
    has_claude_pro: false,
    created_at: '2024-01-01T00:00:00Z',
  },
  organization: {
    uuid: account.organization.id,
    name: account.organization.name,
    organization_type: 'claude_max',
    billing_type: 'stripe_subscription',
    rate_limit_tier: 'default_claude_max_5x',
    has_extra_usage_enabled: false,
    subscription_status: 'active',
    subscription_created_at: '2024-01-01T00:00:00Z',
  },
  application: { uuid: '55555555-5555-4555-8555-555555555555', name: 'Claude Code', slug: 'claude-code' },
};

const roles = {
  organization_uuid: account.organization.id,
  organization_name: account.organization.name,
  organization_role: 'admin',
  workspace_uuid: null,
  workspace_name: null,
  workspace_role: null,
};

async function answerPrompt(
  response: ServerResponse,
  { switches, clock, wordDelayMs }: ApiParts,
  visit: Visit,
): Promise<void> {
  const { modelStatus, slowBytes } = switches.current();
  if (modelStatus !== null) {
    const type = modelStatus === 429 ? 'rate_limit_error' : 'api_error';
    sendError(response, modelStatus, type, 'The model was told to fail.');
    return;
  }
  const parsed = messagesRequestSchema.safeParse(tryParseJson(visit.body));
  if (!parsed.success) {
    sendError(response, 400, 'invalid_request_error', z.prettifyError(parsed.error));
    return;
  }
  const { model, stream } = parsed.data;
  const turn = planTurn(parsed.data);
  if (turn.kind === 'refuse') {
    sendError(response, 400, 'invalid_request_error', turn.problem);
    return;
  }
  const block = turn.kind === 'text' ? textBlock(turn.text) : commandBlock(turn.command, turn.inBackground);
  if (stream !== true) {
    sendJson(response, 200, wholeMessage(model, block));
    return;
  }
  const paceMs = turn.kind === 'text' ? turn.wordDelayMs : undefined;
  await streamEvents(response, messageEvents(model, block), { clock, wordDelayMs: paceMs ?? wordDelayMs, slowBytes });
}

function sendError(response: ServerResponse, status: number, type: string, message: string): void {
  sendJson(response, status, { type: 'error', error: { type, message } });
}
