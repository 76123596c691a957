import { tryParseJson } from '@sallyport/core/driver';

import { sendJson, type Site } from '../fake-internet/site.ts';
import { bearerOf } from '../fake-vendor/request.ts';
import { answerPrompt, type ModelParts, unauthenticated } from './answer-prompt.ts';
import { account, type GoogleLedger } from './tokens.ts';

export interface CodeAssistParts extends ModelParts {
  readonly ledger: GoogleLedger;
}

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
      const wrap = (answer: object): object => ({ response: answer });
      await answerPrompt(response, parts, { method, body: tryParseJson(visit.body), wrap });
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
