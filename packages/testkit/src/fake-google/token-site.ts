import type { ServerResponse } from 'node:http';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import type { VendorFaults } from '../fake-vendor/faults.ts';
import { bearerOf, parseParameters } from '../fake-vendor/request.ts';
import type { AuthorizationCodes } from '../fake-vendor/tokens/authorization-codes.ts';
import { redeemCode, sendTokens } from '../fake-vendor/tokens/token-answer.ts';
import { geminiClientId } from './authorization-request.ts';
import { account, type GoogleLedger } from './tokens.ts';

export interface TokenSiteParts {
  readonly codes: AuthorizationCodes;
  readonly ledger: GoogleLedger;
  readonly faults: () => VendorFaults;
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
  parts: TokenSiteParts,
  parameters: ReadonlyMap<string, string>,
  { machineId }: Visit,
): void {
  const get = (name: string): string => parameters.get(name) ?? '';
  const faults = parts.faults();
  if (faults.tokenStatus !== null) {
    refuse(response, 'invalid_grant', 'The token endpoint was told to fail.', faults.tokenStatus);
    return;
  }
  // An installed application's secret is no secret (RFC 8252 §8.5), but Google insists on it.
  if (get('client_id') !== geminiClientId || get('client_secret') === '') {
    refuse(response, 'invalid_client', 'The OAuth client was not found.', 401);
    return;
  }
  switch (get('grant_type')) {
    case 'authorization_code': {
      const redeemed = redeemCode(parts, get, { machineId });
      if ('problem' in redeemed) refuse(response, 'invalid_grant', redeemed.problem);
      else sendTokens(response, redeemed.tokens, faults);
      return;
    }
    case 'refresh_token': {
      const refreshed =
        faults.refreshFail === null ? parts.ledger.refresh(get('refresh_token')) : { refusal: faults.refreshFail };
      if ('tokens' in refreshed) sendTokens(response, refreshed.tokens, faults);
      else refuse(response, faults.refreshFail ?? 'invalid_grant', 'Token has been expired or revoked.');
      return;
    }
    default:
      refuse(response, 'unsupported_grant_type', `Invalid grant_type: ${get('grant_type')}`);
  }
}

function answerTokenInfo(response: ServerResponse, { ledger }: TokenSiteParts, token: string, visit: Visit): void {
  if (ledger.check(token, visit.machineId).verdict !== 'live') {
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
