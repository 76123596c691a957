import type { ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';
import { z } from 'zod';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import { bearerOf } from './bearer.ts';
import type { GoogleFaults } from './faults.ts';
import { generateRequestSchema, type ModelTurn, planTurn } from './model-script.ts';
import { account, type TokenLedger } from './token-ledger.ts';

export interface CodeAssistParts {
  readonly ledger: TokenLedger;
  readonly faults: () => GoogleFaults;
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
    else if (!ledger.check(bearerOf(request) ?? '', visit.machineId)) sendJson(response, 401, unauthenticated);
    else sendJson(response, 200, { id: account.id, email: account.email, verified_email: true, name: 'Person' });
  };
}

/** `cloudcode-pa.googleapis.com`: the plan, and the model. Everything needs a live access token. */
export function createCodeAssistSite(parts: CodeAssistParts): Site {
  return async (request, response, visit) => {
    const { pathname } = new URL(request.url ?? '/', `https://${visit.host}`);
    if (!parts.ledger.check(bearerOf(request) ?? '', visit.machineId)) {
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
  { faults, clock, wordDelayMs }: CodeAssistParts,
  method: string,
  visit: Visit,
): Promise<void> {
  const { modelStatus } = faults();
  if (modelStatus !== null) {
    const status = { 401: 'UNAUTHENTICATED', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL' }[modelStatus];
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
  const pieces = piecesOf(turn).map((part, index, all) => chunk(part, index === all.length - 1));
  if (method === 'generateContent') {
    const whole = turn.kind === 'text' ? { text: turn.text } : piecesOf(turn)[0];
    sendJson(response, 200, chunk(whole ?? { text: '' }, true));
    return;
  }
  await stream(response, clock, pieces, turn.kind === 'text' ? (turn.wordDelayMs ?? wordDelayMs) : 0);
}

type Part = { readonly text: string } | { readonly functionCall: { readonly name: string; readonly args: object } };

function piecesOf(turn: ModelTurn): readonly Part[] {
  if (turn.kind === 'command')
    return [{ functionCall: { name: 'run_shell_command', args: { command: turn.command } } }];
  return (turn.text.match(/\s*\S+|\s+$/g) ?? ['']).map((text) => ({ text }));
}

function chunk(part: Part, last: boolean): object {
  return {
    response: {
      candidates: [{ content: { role: 'model', parts: [part] }, ...(last && { finishReason: 'STOP' }), index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    },
  };
}

async function stream(
  response: ServerResponse,
  clock: Clock,
  chunks: readonly object[],
  wordDelayMs: number,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  try {
    for (const item of chunks) {
      response.write(`data: ${JSON.stringify(item)}\n\n`);
      if (wordDelayMs > 0) await clock.sleep(wordDelayMs, gone.signal);
    }
    response.end();
  } catch (error) {
    // The CLI hung up in the middle of the answer: nobody is left to be told.
    if (!gone.signal.aborted) throw error;
  }
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
