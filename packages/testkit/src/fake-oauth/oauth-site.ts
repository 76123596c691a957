import type { IncomingMessage, ServerResponse } from 'node:http';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import { bearerOf, parseParameters } from '../fake-vendor/request.ts';
import { type CheckedLink, checkLink } from '../fake-vendor/sign-in/authorization-request.ts';
import { devicePage } from '../fake-vendor/sign-in/device-page.ts';
import type { SignInPages } from '../fake-vendor/sign-in/sign-in-pages.ts';
import type { VendorCore } from '../fake-vendor/vendor-core.ts';
import { answerChat } from './chat-completions.ts';
import { checkClient, grantedScope, isRegisteredRedirect } from './client-check.ts';
import type { DeviceFlow } from './device-flow.ts';
import type { OauthRoute, OauthTable } from './table.ts';
import { answerTokenRequest } from './token-endpoint.ts';

export interface OauthSiteParts extends VendorCore<object> {
  readonly table: OauthTable;
  /** Where the table has a device flow. */
  readonly devices: DeviceFlow | undefined;
  readonly pages: SignInPages;
}

/** One host of the vendor: whatever the table has there, and nothing else. */
export function createOauthSite(parts: OauthSiteParts): Site {
  const { authorize, device, token, revoke, routes } = parts.table;
  return async (request, response, visit) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    const isAt = (place: { host: string; path: string } | undefined, ...methods: string[]): boolean =>
      place?.host === visit.host && place.path === pathname && methods.includes(request.method ?? '');
    if (isAt(authorize, 'GET')) {
      parts.pages.open(response, checkAuthorization(searchParams, parts.table), visit, rootFrom(pathname));
    } else if (isAt(device?.page, 'GET', 'POST')) {
      const typed = request.method === 'POST' ? new URLSearchParams(visit.body) : searchParams;
      showDevicePage(response, parts, pathname, visit, typed);
    } else if (isAt(device, 'POST')) startDevice(request, response, parts, visit);
    else if (isAt(token, 'POST')) answerTokenRequest(request, response, parts, visit);
    else if (isAt(revoke, 'POST')) {
      // The answer is the same for a token nobody knows (RFC 7009 §2.2).
      parts.ledger.revoke(parseParameters(request, visit.body).get('token') ?? '', 'revoked');
      sendJson(response, 200, {});
    } else if (!parts.pages.answer(request, response, visit)) {
      const route = routes.find((candidate) => isAt(candidate, candidate.method));
      await answerRoute(request, response, parts, route, visit);
    }
  };
}

function checkAuthorization(parameters: URLSearchParams, { clients, authorize }: OauthTable): CheckedLink {
  const client = clients.find(({ id }) => id === parameters.get('client_id'));
  if (!client) return { problem: 'client_id is not a registered application.' };
  return checkLink(parameters, (get) => [
    [isRegisteredRedirect(client, get('redirect_uri')), 'redirect_uri is not registered for this application.'],
    [grantedScope(client, get('scope')) !== undefined, 'scope is not what this application may ask for.'],
    [authorize?.pkce === 'optional' || get('code_challenge') !== '', 'code_challenge is missing.'],
  ]);
}

/** The answer to a device that wants to log in (RFC 8628 §3.2). */
function startDevice(request: IncomingMessage, response: ServerResponse, parts: OauthSiteParts, visit: Visit): void {
  const { table, devices } = parts;
  if (!table.device || !devices) return;
  const checked = checkClient(request, parseParameters(request, visit.body), table);
  if ('error' in checked) {
    sendJson(response, 400, { error: checked.error, error_description: checked.problem });
    return;
  }
  const scope = grantedScope(checked.client, checked.get('scope'));
  if (scope === undefined) {
    const problem = 'scope is not what this application may ask for.';
    sendJson(response, 400, { error: 'invalid_scope', error_description: problem });
    return;
  }
  const { deviceCode, userCode } = devices.start(checked.client.id, scope);
  const { page, intervalSeconds, lifetimeSeconds, completeUri } = table.device;
  const uri = `https://${page.host}${page.path}`;
  sendJson(response, 200, {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: uri,
    ...(completeUri && { verification_uri_complete: `${uri}?user_code=${userCode}` }),
    expires_in: lifetimeSeconds,
    interval: intervalSeconds,
  });
}

function showDevicePage(
  response: ServerResponse,
  { devices, pages }: OauthSiteParts,
  path: string,
  visit: Visit,
  typed: URLSearchParams,
): void {
  const root = rootFrom(path);
  const device = devices?.waiting(typed.get('user_code') ?? '');
  if (device) pages.openDevice(response, device.userCode, visit, root);
  else
    pages.show(
      response,
      devicePage(path, root, typed.has('user_code') ? 'That code is not known or has expired.' : undefined),
    );
}

async function answerRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { ledger, switches, clock, wordDelayMs, apiKey }: OauthSiteParts,
  route: OauthRoute | undefined,
  visit: Visit,
): Promise<void> {
  const { api401, modelStatus, slowBytes } = switches.current();
  if (route?.access !== 'public') {
    if (api401 === 'once') switches.change({ api401: false });
    const { verdict } =
      route?.access === 'key'
        ? { verdict: keyOf(request, route) === apiKey ? 'live' : 'not the API key of this vendor' }
        : ledger.check(bearerOf(request) ?? '', visit.machineId);
    if (verdict !== 'live' || api401 !== false) {
      response.setHeader('www-authenticate', 'Bearer error="invalid_token"');
      const message = `The access token is ${verdict === 'live' ? 'to be refused' : verdict}.`;
      sendJson(response, 401, { error: { message, code: 'invalid_token' } });
      return;
    }
  }
  if (!route) sendJson(response, 404, { error: { message: 'The table has no such route.', code: 'not_found' } });
  else if (route.answer.kind === 'json') sendJson(response, route.answer.status, route.answer.body);
  else if (modelStatus === null)
    await answerChat(response, visit.body, route.answer, { clock, wordDelayMs, slowBytes });
  else sendJson(response, modelStatus, { error: { message: 'The model was told to fail.', code: 'told_to_fail' } });
}

function keyOf(request: IncomingMessage, { keyHeader }: OauthRoute): string | undefined {
  const value = keyHeader === undefined ? bearerOf(request) : request.headers[keyHeader];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Relative way from a page to the root of its site. */
function rootFrom(path: string): string {
  return '../'.repeat(path.split('/').length - 2) || './';
}
