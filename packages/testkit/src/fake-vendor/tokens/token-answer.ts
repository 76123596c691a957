import type { ServerResponse } from 'node:http';

import { sendJson } from '../../fake-internet/site.ts';
import type { VendorFaults } from '../faults.ts';
import type { AuthorizationCodes } from './authorization-codes.ts';
import type { Grant, TokenLedger } from './token-ledger.ts';

/** Trades an authorization code for tokens (RFC 6749 §4.1.3), and says what is wrong where it does not. */
export function redeemCode<Tokens>(
  { codes, ledger }: { readonly codes: AuthorizationCodes; readonly ledger: TokenLedger<Tokens> },
  get: (name: string) => string,
  grant: Grant,
): { readonly tokens: Tokens } | { readonly problem: string } {
  const redeemed = codes.redeem(get('code'), { verifier: get('code_verifier'), redirectUri: get('redirect_uri') });
  if (!redeemed.ok) {
    if (redeemed.revokeFamily !== undefined) ledger.revokeFamily(redeemed.revokeFamily, 'code_reused');
    return { problem: redeemed.problem };
  }
  const { tokens, family } = ledger.issue({ scope: redeemed.scope, ...grant });
  redeemed.redeemed(family);
  return { tokens };
}

/** Sends tokens, as well as the vendor has been told to. */
export function sendTokens(response: ServerResponse, tokens: object, { tokenBody }: VendorFaults): void {
  switch (tokenBody) {
    case null:
      sendJson(response, 200, tokens);
      return;
    case 'no-scope':
      sendJson(response, 200, { ...tokens, scope: undefined });
      return;
    case 'huge':
      // In what the CLI keeps: beside it, a CLI would drop it and be right to go on.
      sendJson(response, 200, { ...tokens, access_token: 'x'.repeat(10 * 1024 * 1024) });
      return;
    case 'truncated': {
      const text = JSON.stringify(tokens);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(text.slice(0, text.length / 2));
    }
  }
}
