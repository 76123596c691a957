import type { ServerResponse } from 'node:http';

import { sendJson, type Visit } from '../fake-internet/site.ts';
import type { VendorFaults } from '../fake-vendor/faults.ts';
import type { AuthorizationCodes } from '../fake-vendor/tokens/authorization-codes.ts';
import { redeemCode, sendTokens } from '../fake-vendor/tokens/token-answer.ts';
import { claudeClientId } from './authorization-request.ts';
import type { AnthropicLedger } from './tokens.ts';

export interface TokenEndpointParts {
  readonly codes: AuthorizationCodes;
  readonly ledger: AnthropicLedger;
  readonly faults: () => VendorFaults;
}

/** `POST /v1/oauth/token`, spoken to in JSON: codes (RFC 6749 §4.1.3) and refreshes (§6). */
export function answerTokenEndpoint(
  response: ServerResponse,
  parts: TokenEndpointParts,
  parameters: ReadonlyMap<string, string>,
  { machineId }: Visit,
): void {
  const get = (name: string): string => parameters.get(name) ?? '';
  const faults = parts.faults();
  if (faults.tokenStatus !== null) {
    refuse(response, 'invalid_grant', 'The token endpoint was told to fail.', faults.tokenStatus);
    return;
  }
  if (get('client_id') !== claudeClientId) {
    refuse(response, 'invalid_client', 'client_id is not a registered application.', 401);
    return;
  }
  switch (get('grant_type')) {
    case 'authorization_code': {
      if (get('state') === '') {
        refuse(response, 'invalid_request', 'state is missing.');
        return;
      }
      const lifetime = Number(get('expires_in'));
      const redeemed = redeemCode(parts, get, { machineId, ...(lifetime > 0 && { lifetimeSeconds: lifetime }) });
      if ('problem' in redeemed) refuse(response, 'invalid_grant', redeemed.problem);
      else sendTokens(response, redeemed.tokens, faults);
      return;
    }
    case 'refresh_token': {
      const refreshed =
        faults.refreshFail === null ? parts.ledger.refresh(get('refresh_token')) : { refusal: faults.refreshFail };
      if ('tokens' in refreshed) sendTokens(response, refreshed.tokens, faults);
      else refuse(response, faults.refreshFail ?? 'invalid_grant', 'Refresh token not found or invalid');
      return;
    }
    default:
      refuse(response, 'unsupported_grant_type', 'The grant type is not known.');
  }
}

function refuse(response: ServerResponse, error: string, description: string, status = 400): void {
  sendJson(response, status, { error, error_description: description });
}
