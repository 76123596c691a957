import type { ServerResponse } from 'node:http';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import type { AuthorizationCodes } from '../fake-openai/tokens/authorization-codes.ts';
import { parseParameters } from '../fake-openai/tokens/token-endpoint.ts';
import { geminiClientId } from './authorization-request.ts';
import { bearerOf } from './bearer.ts';
import type { GoogleFaults } from './faults.ts';
import { account, type TokenLedger } from './token-ledger.ts';

export interface TokenSiteParts {
  readonly codes: AuthorizationCodes;
  readonly ledger: TokenLedger;
  readonly faults: () => GoogleFaults;
}

/** `oauth2.googleapis.com`: tokens for codes (RFC 6749 §4.1.3) and refreshes (§6), and what a token is worth. */
export function createTokenSite(parts: TokenSiteParts): Site {
  return (request, response, visit) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    switch (`${request.method} ${pathname}`) {
      case 'POST /token':
        // It takes forms only.
        answerToken(response, parts, parseParameters(request, visit.body), visit);
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

function answerToken(
  response: ServerResponse,
  { codes, ledger, faults }: TokenSiteParts,
  parameters: ReadonlyMap<string, string>,
  visit: Visit,
): void {
  const get = (name: string): string => parameters.get(name) ?? '';
  const { tokenStatus, refreshFail } = faults();
  if (tokenStatus !== null) {
    refuse(response, 'invalid_grant', 'The token endpoint was told to fail.', tokenStatus);
    return;
  }
  // An installed application's secret is no secret (RFC 8252 §8.5), but Google insists on it.
  if (get('client_id') !== geminiClientId || get('client_secret') === '') {
    refuse(response, 'invalid_client', 'The OAuth client was not found.', 401);
    return;
  }
  switch (get('grant_type')) {
    case 'authorization_code': {
      const redeemed = codes.redeem(get('code'), { verifier: get('code_verifier'), redirectUri: get('redirect_uri') });
      if (!redeemed.ok) {
        if (redeemed.revokeFamily !== undefined) ledger.revokeFamily(redeemed.revokeFamily, 'code_reused');
        refuse(response, 'invalid_grant', redeemed.problem);
        return;
      }
      const { tokens, family } = ledger.issue(visit.machineId);
      redeemed.redeemed(family);
      sendJson(response, 200, tokens);
      return;
    }
    case 'refresh_token': {
      const tokens = refreshFail ? undefined : ledger.refresh(get('refresh_token'));
      if (tokens) sendJson(response, 200, tokens);
      else refuse(response, 'invalid_grant', 'Token has been expired or revoked.');
      return;
    }
    default:
      refuse(response, 'unsupported_grant_type', `Invalid grant_type: ${get('grant_type')}`);
  }
}

function answerTokenInfo(response: ServerResponse, { ledger }: TokenSiteParts, token: string, visit: Visit): void {
  if (!ledger.check(token, visit.machineId)) {
    refuse(response, 'invalid_token', 'Invalid Value');
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

function refuse(response: ServerResponse, error: string, description: string, status = 400): void {
  sendJson(response, status, { error, error_description: description });
}
