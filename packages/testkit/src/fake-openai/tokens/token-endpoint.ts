import type { IncomingMessage, ServerResponse } from 'node:http';

import { z } from 'zod';

import { sendJson, type Visit } from '../../fake-internet/site.ts';
import type { AuthorizationCodes } from './authorization-codes.ts';
import { codexClientId } from '../login/authorization-request.ts';
import type { OpenaiFaults } from '../faults.ts';
import type { TokenLedger } from './token-ledger.ts';

/** `POST /oauth/token`: codes (RFC 6749 §4.1.3), refreshes (§6), and an API key for an id token (RFC 8693). */
export function answerTokenEndpoint(
  request: IncomingMessage,
  response: ServerResponse,
  {
    codes,
    ledger,
    faults,
  }: { readonly codes: AuthorizationCodes; readonly ledger: TokenLedger; readonly faults: () => OpenaiFaults },
  visit: Visit,
): void {
  const parameters = parseParameters(request, visit.body);
  const get = (name: string): string => parameters.get(name) ?? '';
  const { tokenStatus, refreshFail } = faults();
  if (tokenStatus !== null) {
    refuseGrant(response, 'The token endpoint was told to fail.', tokenStatus);
    return;
  }
  if (get('client_id') !== codexClientId) {
    refuseGrant(response, 'client_id is not a registered application.');
    return;
  }
  switch (get('grant_type')) {
    case 'authorization_code': {
      const redeemed = codes.redeem(get('code'), { verifier: get('code_verifier'), redirectUri: get('redirect_uri') });
      if (!redeemed.ok) {
        if (redeemed.revokeFamily !== undefined) ledger.revokeFamily(redeemed.revokeFamily, 'code_reused');
        refuseGrant(response, redeemed.problem);
        return;
      }
      const { tokens, family } = ledger.issue(visit.machineId);
      redeemed.redeemed(family);
      sendJson(response, 200, tokens);
      return;
    }
    case 'refresh_token': {
      if (refreshFail !== null) {
        refuseRefresh(response, refreshFail);
        return;
      }
      const refreshed = ledger.refresh(get('refresh_token'));
      if ('refusal' in refreshed) refuseRefresh(response, refreshed.refusal);
      else sendJson(response, 200, refreshed.tokens);
      return;
    }
    case 'urn:ietf:params:oauth:grant-type:token-exchange': {
      const key = get('requested_token') === 'openai-api-key' && ledger.exchangeForKey(get('subject_token'));
      if (typeof key === 'string') sendJson(response, 200, { access_token: key });
      else refuseGrant(response, 'The subject token is not a live id token of this provider.');
      return;
    }
    default:
      sendJson(response, 400, { error: 'unsupported_grant_type', error_description: 'The grant type is not known.' });
  }
}

/** Parameters of a form or of a flat JSON object: the CLI sends codes as the one and refreshes as the other. */
export function parseParameters(request: IncomingMessage, body: string): ReadonlyMap<string, string> {
  const type = request.headers['content-type'] ?? '';
  if (/^application\/x-www-form-urlencoded\b/.test(type)) return new Map(new URLSearchParams(body));
  if (!/^application\/json\b/.test(type)) return new Map();
  const parsed = z.record(z.string(), z.unknown()).safeParse(tryParseJson(body));
  const entries = Object.entries(parsed.data ?? {});
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuseGrant(response: ServerResponse, description: string, status = 400): void {
  sendJson(response, status, { error: 'invalid_grant', error_description: description });
}

function refuseRefresh(response: ServerResponse, code: string): void {
  const message = `The refresh was refused: ${code.replaceAll('_', ' ')}.`;
  sendJson(response, 401, { error: { message, type: 'invalid_request_error', param: null, code } });
}
