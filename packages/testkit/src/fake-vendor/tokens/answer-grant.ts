import type { ServerResponse } from 'node:http';

import { sendJson, type Visit } from '../../fake-internet/site.ts';
import type { VendorFaults } from '../faults.ts';
import type { AuthorizationCodes } from './authorization-codes.ts';
import { redeemCode, sendTokens } from './token-answer.ts';
import type { TokenLedger } from './token-ledger.ts';

export interface GrantParts<Tokens extends object> {
  readonly codes: AuthorizationCodes;
  readonly ledger: TokenLedger<Tokens>;
  readonly faults: () => VendorFaults;
}

type Get = (name: string) => string;

interface Refusal {
  /** A code of RFC 6749 §5.2. */
  readonly error: string;
  readonly description: string;
  readonly status?: number;
}

/** What one vendor demands of a token request beyond the RFC, and the words of its refusals. */
export interface GrantRules {
  checkClient(get: Get): Refusal | undefined;
  checkCode?(get: Get): Refusal | undefined;
  /** How long the login lasts if the CLI asked for a lifetime. */
  lifetimeSeconds?(get: Get): number;
  readonly staleRefresh: string;
  unknownGrant(type: string): string;
}

/** A token endpoint: codes (RFC 6749 §4.1.3) and refreshes (§6), as well as the vendor has been told to. */
export function answerGrant<Tokens extends object>(
  response: ServerResponse,
  parts: GrantParts<Tokens>,
  parameters: ReadonlyMap<string, string>,
  { machineId }: Visit,
  rules: GrantRules,
): void {
  const get: Get = (name) => parameters.get(name) ?? '';
  const faults = parts.faults();
  const answer = (): { readonly tokens: Tokens } | Refusal => {
    const { tokenStatus: status, refreshFail } = faults;
    if (status !== null) return { error: 'invalid_grant', description: 'The token endpoint was told to fail.', status };
    const stranger = rules.checkClient(get);
    if (stranger) return stranger;
    const type = get('grant_type');
    if (type === 'authorization_code') {
      const lacking = rules.checkCode?.(get);
      if (lacking) return lacking;
      const lifetimeSeconds = rules.lifetimeSeconds?.(get) ?? 0;
      const redeemed = redeemCode(parts, get, { machineId, ...(lifetimeSeconds > 0 && { lifetimeSeconds }) });
      return 'tokens' in redeemed ? redeemed : { error: 'invalid_grant', description: redeemed.problem };
    }
    if (type === 'refresh_token') {
      const refreshed = refreshFail === null ? parts.ledger.refresh(get('refresh_token')) : undefined;
      if (refreshed && 'tokens' in refreshed) return refreshed;
      return { error: refreshFail ?? 'invalid_grant', description: rules.staleRefresh };
    }
    return { error: 'unsupported_grant_type', description: rules.unknownGrant(type) };
  };
  const given = answer();
  if ('tokens' in given) sendTokens(response, given.tokens, faults);
  else sendJson(response, given.status ?? 400, { error: given.error, error_description: given.description });
}
