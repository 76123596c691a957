import type { ServerResponse } from 'node:http';

import { sendJson, type Site, type Visit } from '../../fake-internet/site.ts';
import type { AuthorizationCodes } from '../tokens/authorization-codes.ts';
import { parseAuthorizationRequest } from './authorization-request.ts';
import { paintColourCode } from './colour-code-image.ts';
import { answerDeviceEndpoint } from './device-endpoints.ts';
import type { DeviceAuthorizations } from './device-authorizations.ts';
import type { OpenaiFaults } from '../faults.ts';
import type { Login, LoginDesk } from './login-desk.ts';
import { devicePage, loginPage, messagePage, sendPage, styleSheet } from './pages.ts';
import { answerTokenEndpoint, parseParameters } from '../tokens/token-endpoint.ts';
import type { TokenLedger } from '../tokens/token-ledger.ts';

export interface IdentityProviderParts {
  readonly desk: LoginDesk;
  readonly codes: AuthorizationCodes;
  readonly devices: DeviceAuthorizations;
  readonly ledger: TokenLedger;
  readonly faults: () => OpenaiFaults;
}

/** `auth.openai.com`: the pages a person sees and the endpoints the CLI calls. */
export function createIdentityProvider(parts: IdentityProviderParts): Site {
  return (request, response, visit) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    switch (`${request.method} ${pathname}`) {
      case 'GET /assets/login.css':
        response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' });
        response.end(styleSheet);
        return;
      case 'GET /login/code.svg':
        sendPicture(response, parts, searchParams.get('login') ?? '', visit);
        return;
      case 'GET /oauth/authorize':
        openLogin(response, parts, searchParams, visit);
        return;
      case 'POST /oauth/authorize/login':
        submitLogin(response, parts, new URLSearchParams(visit.body), visit);
        return;
      case 'GET /codex/device':
        sendPage(response, devicePage('../'));
        return;
      case 'POST /codex/device':
        openDeviceLogin(response, parts, new URLSearchParams(visit.body), visit);
        return;
      case 'POST /oauth/token':
        answerTokenEndpoint(request, response, parts, visit);
        return;
      case 'POST /oauth/revoke':
        parts.ledger.revoke(parseParameters(request, visit.body).get('token') ?? '', 'revoked');
        sendJson(response, 200, {});
        return;
      default:
        if (answerDeviceEndpoint(request, response, parts, pathname, visit)) return;
        sendJson(response, 404, { error: { message: `No such page: ${pathname}`, code: 'not_found' } });
    }
  };
}

function openLogin(
  response: ServerResponse,
  { desk }: IdentityProviderParts,
  parameters: URLSearchParams,
  visit: Visit,
): void {
  const parsed = parseAuthorizationRequest(parameters);
  if ('problem' in parsed) {
    sendPage(response, messagePage(400, 'This sign-in link is not valid', parsed.problem, '../'));
    return;
  }
  sendPage(response, loginPage(desk.open({ kind: 'browser', request: parsed.request }, visit.machineId), '../'));
}

function openDeviceLogin(
  response: ServerResponse,
  { desk, devices }: IdentityProviderParts,
  form: URLSearchParams,
  visit: Visit,
): void {
  const device = devices.byUserCode(form.get('user_code') ?? '');
  if (device?.outcome !== 'pending') {
    sendPage(response, devicePage('../', 'That code is not known or has expired.'));
    return;
  }
  const login = desk.open({ kind: 'device', userCode: device.userCode }, visit.machineId);
  sendPage(response, loginPage(login, '../'));
}

function sendPicture(response: ServerResponse, { desk }: IdentityProviderParts, id: string, visit: Visit): void {
  const login = desk.visit(id, visit.machineId);
  if (login?.outcome !== 'waiting') {
    sendJson(response, 404, { error: { message: 'There is no such login.' } });
    return;
  }
  response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' });
  response.end(paintColourCode(login.code));
}

function submitLogin(
  response: ServerResponse,
  parts: IdentityProviderParts,
  form: URLSearchParams,
  visit: Visit,
): void {
  const { desk, faults } = parts;
  const root = '../../';
  const found = desk.visit(form.get('login') ?? '', visit.machineId);
  if (found?.outcome !== 'waiting') {
    const message = 'It is over, or was opened in another browser. Start again from the CLI.';
    sendPage(response, messagePage(403, 'This login cannot go on', message, root));
    return;
  }
  const entered = form.get('action') === 'deny' ? desk.end(found, 'denied') : desk.enter(found, form.get('code') ?? '');
  const login = entered.outcome === 'approved' && faults().denyLogin ? desk.end(entered, 'denied') : entered;
  switch (login.outcome) {
    case 'waiting':
      sendPage(response, loginPage(login, root));
      return;
    case 'too-many-tries':
      sendPage(response, messagePage(403, 'Too many wrong codes', 'Start again from the CLI.', root));
      return;
    default:
      finishLogin(response, parts, login, root);
  }
}

function finishLogin(
  response: ServerResponse,
  { codes, devices, faults }: IdentityProviderParts,
  { purpose, outcome }: Login,
  root: string,
): void {
  const approved = outcome === 'approved';
  if (purpose.kind === 'device') {
    devices.mark(purpose.userCode, approved ? 'approved' : 'denied');
    const message = approved ? 'You can close this page and go back.' : 'The device was not connected.';
    sendPage(response, messagePage(200, approved ? 'Device connected' : 'Denied', message, root));
    return;
  }
  const { request } = purpose;
  const target = new URL(request.redirectUri);
  if (approved) {
    target.searchParams.set('code', codes.issue(request));
    target.searchParams.set('scope', request.scope);
  } else {
    target.searchParams.set('error', 'access_denied');
    target.searchParams.set('error_description', 'The person denied the sign-in.');
  }
  target.searchParams.set('state', faults().wrongState ? `wrong-${request.state}` : request.state);
  response.writeHead(303, { location: target.href, 'cache-control': 'no-store' });
  response.end();
}
