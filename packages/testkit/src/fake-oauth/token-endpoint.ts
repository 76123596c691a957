import type { IncomingMessage, ServerResponse } from 'node:http';

import { sendJson, type Visit } from '../fake-internet/site.ts';
import { parseParameters } from '../fake-vendor/request.ts';
import { redeemCode, sendTokens } from '../fake-vendor/tokens/token-answer.ts';
import type { VendorCore } from '../fake-vendor/vendor-core.ts';
import { checkClient } from './client-check.ts';
import type { DeviceFlow } from './device-flow.ts';
import type { OauthTable } from './table.ts';

type TokenEndpointParts = Pick<VendorCore<object>, 'codes' | 'ledger' | 'faults'> & {
  readonly table: OauthTable;
  readonly devices: DeviceFlow | undefined;
};

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Tokens for a code (RFC 6749 §4.1.3), for a device (RFC 8628 §3.4) and for a refresh token (RFC 6749 §6). */
export function answerTokenRequest(
  request: IncomingMessage,
  response: ServerResponse,
  parts: TokenEndpointParts,
  visit: Visit,
): void {
  const { table, faults } = parts;
  const { token } = table;
  if (!token) return;
  const { tokenStatus } = faults();
  const refuse = (error: string, problem: string, status: number = token.refusalStatus): void =>
    sendJson(response, status, { error, error_description: problem });
  if (tokenStatus !== null) {
    refuse('invalid_grant', 'The token endpoint was told to fail.', tokenStatus);
    return;
  }
  if (!isBodyKind(request, token.body)) {
    refuse('invalid_request', `The body must be a ${token.body === 'json' ? 'JSON object' : 'form'}.`);
    return;
  }
  const checked = checkClient(request, parseParameters(request, visit.body), table);
  if ('error' in checked) {
    refuse(checked.error, checked.problem, token.refusalStatus === 200 ? 200 : 401);
    return;
  }
  const answer = grant(parts, checked.get, checked.client.id, visit);
  if ('tokens' in answer) sendTokens(response, answer.tokens, faults());
  else refuse(answer.error, answer.problem);
}

type Answer = { readonly tokens: object } | { readonly error: string; readonly problem: string };

function grant(
  { codes, devices, ledger, table, faults }: TokenEndpointParts,
  get: (name: string) => string,
  clientId: string,
  { machineId }: Visit,
): Answer {
  const type = get('grant_type');
  if (type === '') return { error: 'invalid_request', problem: 'grant_type is missing.' };
  if (type === 'authorization_code' && table.authorize) {
    const redeemed = redeemCode({ codes, ledger }, get, { machineId });
    return 'tokens' in redeemed ? redeemed : { error: 'invalid_grant', problem: redeemed.problem };
  }
  if (type === DEVICE_GRANT && devices) {
    const polled = devices.poll(get('device_code'), clientId);
    if ('scope' in polled) return { tokens: ledger.issue({ machineId, scope: polled.scope }).tokens };
    return { error: polled.refusal, problem: `The device gets no token: ${polled.refusal.replaceAll('_', ' ')}.` };
  }
  if (type === 'refresh_token' && table.tokens.refresh !== 'none') {
    const { refreshFail } = faults();
    if (refreshFail !== null) return { error: refreshFail, problem: 'The refresh was told to fail.' };
    const refreshed = ledger.refresh(get('refresh_token'));
    if ('tokens' in refreshed) return refreshed;
    return { error: 'invalid_grant', problem: `The refresh was refused: ${refreshed.refusal.replaceAll('_', ' ')}.` };
  }
  return { error: 'unsupported_grant_type', problem: `The grant type '${type}' is not offered here.` };
}

function isBodyKind(request: IncomingMessage, wanted: NonNullable<OauthTable['token']>['body']): boolean {
  const type = request.headers['content-type'] ?? '';
  const isForm = /^application\/x-www-form-urlencoded\b/.test(type);
  const isJson = /^application\/json\b/.test(type);
  return wanted === 'either' ? isForm || isJson : wanted === 'form' ? isForm : isJson;
}
