import type { ServerResponse } from 'node:http';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import { bearerOf, parseParameters } from '../fake-vendor/request.ts';
import { answerGrant, type GrantParts, type GrantRules } from '../fake-vendor/tokens/answer-grant.ts';
import { geminiClientId } from './authorization-request.ts';
import { account, type GoogleTokens } from './tokens.ts';

/** `oauth2.googleapis.com`: tokens for codes (RFC 6749 §4.1.3) and refreshes (§6), and what a token is worth. */
export function createTokenSite(parts: GrantParts<GoogleTokens>): Site {
  return (request, response, visit) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    switch (`${request.method} ${pathname}`) {
      case 'POST /token':
        // It takes forms only.
        answerGrant(response, parts, parseParameters(request, visit.body), visit, rules);
        return;
      case 'POST /tokeninfo':
      case 'GET /tokeninfo':
        answerTokenInfo(response, parts, bearerOf(request) ?? searchParams.get('access_token') ?? '', visit);
        return;
      case 'POST /revoke': {
        const token = parseParameters(request, visit.body).get('token') ?? searchParams.get('token') ?? '';
        if (parts.ledger.revoke(token, 'revoked')) sendJson(response, 200, {});
        else sendJson(response, 400, { error: 'invalid_token', error_description: 'Token expired or revoked' });
        return;
      }
      default:
        sendJson(response, 404, { error: { code: 404, message: `No such route: ${pathname}`, status: 'NOT_FOUND' } });
    }
  };
}

/** An installed application's secret is not confidential (RFC 8252 §8.5), but Google insists on it. */
const rules: GrantRules = {
  checkClient: (get) =>
    get('client_id') === geminiClientId && get('client_secret') !== ''
      ? undefined
      : { error: 'invalid_client', description: 'The OAuth client was not found.', status: 401 },
  staleRefresh: 'Token has been expired or revoked.',
  unknownGrant: (type) => `Invalid grant_type: ${type}`,
};

function answerTokenInfo(
  response: ServerResponse,
  { ledger }: Pick<GrantParts<GoogleTokens>, 'ledger'>,
  token: string,
  visit: Visit,
): void {
  if (ledger.check(token, visit.machineId).verdict !== 'live') {
    sendJson(response, 400, { error: 'invalid_token', error_description: 'Invalid Value' });
    return;
  }
  sendJson(response, 200, {
    azp: geminiClientId,
    aud: geminiClientId,
    sub: account.id,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    expires_in: '3500',
    email: account.email,
    email_verified: 'true',
    access_type: 'offline',
  });
}
