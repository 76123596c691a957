import type { ServerResponse } from 'node:http';

import { type Clock, tryParseJson } from '@sallyport/core';
import { z } from 'zod';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import type { VendorFaultSwitches } from '../fake-vendor/faults.ts';
import { streamEvents, wordsOf } from '../fake-vendor/model/event-stream.ts';
import { bearerOf } from '../fake-vendor/request.ts';
import { generateRequestSchema, type ModelTurn, planTurn } from './model-script.ts';
import { account, type GoogleLedger } from './tokens.ts';

export interface CodeAssistParts {
  readonly ledger: GoogleLedger;
  readonly switches: VendorFaultSwitches;
  readonly clock: Clock;
  readonly wordDelayMs: number;
}

const unauthenticated = {
  error: {
    code: 401,
    message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
    status: 'UNAUTHENTICATED',
  },
};

/** `www.googleapis.com`, as far as the CLI uses it: who is logged in. */
export function createUserInfoSite({ ledger }: Pick<CodeAssistParts, 'ledger'>): Site {
  return (request, response, visit) => {
    if (request.url !== '/oauth2/v2/userinfo') sendJson(response, 404, { error: { code: 404, status: 'NOT_FOUND' } });
    else if (ledger.check(bearerOf(request) ?? '', visit.machineId).verdict !== 'live')
      sendJson(response, 401, unauthenticated);
    else sendJson(response, 200, { id: account.id, email: account.email, verified_email: true, name: 'Person' });
  };
}

/** `cloudcode-pa.googleapis.com`: the plan, and the model. Everything needs a live access token. */
export function createCodeAssistSite(parts: CodeAssistParts): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    if (parts.ledger.check(bearerOf(request) ?? '', visit.machineId).verdict !== 'live') {
      sendJson(response, 401, unauthenticated);
      return;
    }
    const method = /^\/v1internal:(?<method>\w+)$/.exec(pathname)?.groups?.['method'] ?? '';
    const facts = Object.hasOwn(plainAnswers, method) ? plainAnswers[method] : undefined;
    if (facts !== undefined) sendJson(response, 200, facts);
    else if (method === 'generateContent' || method === 'streamGenerateContent') {
      await answerPrompt(response, parts, method, visit);
    } else {
      sendJson(response, 404, { error: { code: 404, message: `No such route: ${pathname}`, status: 'NOT_FOUND' } });
    }
  };
}

const tier = { id: 'free-tier', name: 'Gemini Code Assist for individuals', isDefault: true };

const plainAnswers: Readonly<Record<string, unknown>> = {
  loadCodeAssist: {
    currentTier: tier,
    allowedTiers: [tier],
    cloudaicompanionProject: 'practice-project',
    paidTier: { id: 'g1-pro-tier', name: 'Google AI Pro' },
  },
  onboardUser: { done: true, response: { cloudaicompanionProject: { id: 'practice-project' } } },
  listExperiments: { experimentIds: [], flags: [] },
  retrieveUserQuota: { buckets: [] },
  countTokens: { totalTokens: 10 },
  fetchAdminControls: { strictModeDisabled: true, mcpSetting: { mcpEnabled: true }, cliFeatureSetting: {} },
  recordCodeAssistMetrics: {},
  getCodeAssistGlobalUserSetting: {},
  setCodeAssistGlobalUserSetting: {},
};

async function answerPrompt(
  response: ServerResponse,
  { switches, clock, wordDelayMs }: CodeAssistParts,
  method: string,
  visit: Visit,
): Promise<void> {
  const { api401, modelStatus, slowBytes } = switches.current();
  if (api401 === 'once') switches.change({ api401: false });
  if (api401 !== false) {
    sendJson(response, 401, unauthenticated);
    return;
  }
  if (modelStatus !== null) {
    const status = { 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL' }[modelStatus];
    sendJson(response, modelStatus, { error: { code: modelStatus, message: 'The model was told to fail.', status } });
    return;
  }
  const parsed = generateRequestSchema.safeParse(tryParseJson(visit.body));
  if (!parsed.success) {
    const message = `The body is no request for content: ${z.prettifyError(parsed.error)}`;
    sendJson(response, 400, { error: { code: 400, message, status: 'INVALID_ARGUMENT' } });
    return;
  }
  const turn = planTurn(parsed.data);
  const pieces = piecesOf(turn);
  if (method === 'generateContent') {
    const whole = turn.kind === 'text' ? { text: turn.text } : pieces[0];
    sendJson(response, 200, chunk(whole ?? { text: '' }, true));
    return;
  }
  const events = pieces.map((part, index) => ({
    data: chunk(part, index === pieces.length - 1),
    word: 'text' in part,
  }));
  const paceMs = turn.kind === 'text' ? turn.wordDelayMs : undefined;
  await streamEvents(response, events, { clock, wordDelayMs: paceMs ?? wordDelayMs, slowBytes });
}

type Part = { readonly text: string } | { readonly functionCall: { readonly name: string; readonly args: object } };

function piecesOf(turn: ModelTurn): readonly Part[] {
  if (turn.kind === 'command')
    return [{ functionCall: { name: 'run_shell_command', args: { command: turn.command } } }];
  return wordsOf(turn.text).map((text) => ({ text }));
}

function chunk(part: Part, last: boolean): object {
  return {
    response: {
      candidates: [{ content: { role: 'model', parts: [part] }, ...(last && { finishReason: 'STOP' }), index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    },
  };
}
