import type { ServerResponse } from 'node:http';

import { sendJson, type Visit } from '../../fake-internet/site.ts';
import type { VendorFaults } from '../../fake-vendor/faults.ts';
import type { AuthorizationCodes } from '../../fake-vendor/tokens/authorization-codes.ts';
import { redeemCode, sendTokens } from '../../fake-vendor/tokens/token-answer.ts';
import { codexClientId } from '../login/authorization-request.ts';
import { exchangeForKey, type OpenaiLedger } from './tokens.ts';

export interface TokenEndpointParts {
  readonly codes: AuthorizationCodes;
  readonly ledger: OpenaiLedger;
  readonly faults: () => VendorFaults;
}

/** `POST /oauth/token`: codes (RFC 6749 §4.1.3), refreshes (§6), and an API key for an id token (RFC 8693). */
export function answerTokenEndpoint(
  response: ServerResponse,
  parts: TokenEndpointParts,
  parameters: ReadonlyMap<string, string>,
  { machineId }: Visit,
): void {
  const { ledger } = parts;
  const get = (name: string): string => parameters.get(name) ?? '';
  const faults = parts.faults();
  if (faults.tokenStatus !== null) {
    refuseGrant(response, 'The token endpoint was told to fail.', faults.tokenStatus);
    return;
  }
  if (get('client_id') !== codexClientId) {
    refuseGrant(response, 'client_id is not a registered application.');
    return;
  }
  switch (get('grant_type')) {
    case 'authorization_code': {
      const redeemed = redeemCode(parts, get, { machineId });
      if ('problem' in redeemed) refuseGrant(response, redeemed.problem);
      else sendTokens(response, redeemed.tokens, faults);
      return;
    }
    case 'refresh_token': {
      const refreshed =
        faults.refreshFail === null ? ledger.refresh(get('refresh_token')) : { refusal: faults.refreshFail };
      if ('refusal' in refreshed) refuseRefresh(response, refreshed.refusal);
      else sendTokens(response, refreshed.tokens, faults);
      return;
    }
    case 'urn:ietf:params:oauth:grant-type:token-exchange': {
      const wanted = get('requested_token') === 'openai-api-key';
      const key = wanted ? exchangeForKey(ledger, get('subject_token')) : undefined;
      if (key !== undefined) sendJson(response, 200, { access_token: key });
      else refuseGrant(response, 'The subject token is not a live id token of this provider.');
      return;
    }
    default:
      sendJson(response, 400, { error: 'unsupported_grant_type', error_description: 'The grant type is not known.' });
  }
}

function refuseGrant(response: ServerResponse, description: string, status = 400): void {
  sendJson(response, status, { error: 'invalid_grant', error_description: description });
}

function refuseRefresh(response: ServerResponse, code: string): void {
  const message = `The refresh was refused: ${code.replaceAll('_', ' ')}.`;
  sendJson(response, 401, { error: { message, type: 'invalid_request_error', param: null, code } });
}
