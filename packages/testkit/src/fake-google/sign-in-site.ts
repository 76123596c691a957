import type { ServerResponse } from 'node:http';

import { personMachineId, sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import { paintColourCode } from '../fake-openai/login/colour-code-image.ts';
import type { Login, LoginDesk } from '../fake-openai/login/login-desk.ts';
import { loginPage, messagePage, type Page, sendPage, styleSheet } from '../fake-openai/login/pages.ts';
import type { AuthorizationCodes } from '../fake-openai/tokens/authorization-codes.ts';
import { codePage, parseAuthorizationRequest } from './authorization-request.ts';
import type { GoogleFaults } from './faults.ts';

export interface SignInParts {
  readonly desk: LoginDesk;
  readonly codes: AuthorizationCodes;
  readonly faults: () => GoogleFaults;
}

/** A submitted login is redirected to the CLI's callback, and from there to the page that says it is done. */
const formTargets = ['http://127.0.0.1:*', 'https://codeassist.google.com', 'https://developers.google.com'];
const send = (response: ServerResponse, page: Page): void => sendPage(response, page, formTargets);

/** `accounts.google.com`: the pages a person sees. */
export function createSignInSite(parts: SignInParts): Site {
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
      case 'GET /o/oauth2/v2/auth':
        openLogin(response, parts, searchParams, visit);
        return;
      case 'POST /oauth/authorize/login':
        submitLogin(response, parts, new URLSearchParams(visit.body), visit);
        return;
      default:
        sendJson(response, 404, { error: { message: `No such page: ${pathname}`, code: 'not_found' } });
    }
  };
}

/** `codeassist.google.com` shows the code to paste, `developers.google.com` says that the login is done. */
export const afterSignInSite: Site = (request, response, visit) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
  const code = searchParams.get('code');
  if (pathname === '/authcode' && code !== null) {
    send(response, messagePage(200, 'Paste this code into Gemini CLI', code, '../accounts.google.com/'));
  } else if (pathname === '/gemini-code-assist/auth_success_gemini') {
    send(response, messagePage(200, 'Signed in', 'You can close this page and go back.', '../'));
  } else {
    send(response, messagePage(404, 'Not here', 'There is no such page.', '../'));
  }
};

function openLogin(response: ServerResponse, { desk }: SignInParts, parameters: URLSearchParams, visit: Visit): void {
  const root = '../../../';
  const parsed = parseAuthorizationRequest(parameters);
  if ('problem' in parsed) {
    send(response, messagePage(400, 'This sign-in link is not valid', parsed.problem, root));
    return;
  }
  const login = desk.open({ kind: 'browser', request: parsed.request }, visit.machineId);
  send(response, loginPage(login, root, 'Gemini CLI'));
}

function sendPicture(response: ServerResponse, { desk }: SignInParts, id: string, visit: Visit): void {
  const login = desk.visit(id, visit.machineId);
  if (login?.outcome !== 'waiting') {
    sendJson(response, 404, { error: { message: 'There is no such login.' } });
    return;
  }
  response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' });
  response.end(paintColourCode(login.code));
}

function submitLogin(response: ServerResponse, parts: SignInParts, form: URLSearchParams, visit: Visit): void {
  const { desk, faults } = parts;
  const root = '../../';
  const found = desk.visit(form.get('login') ?? '', visit.machineId);
  if (found?.outcome !== 'waiting') {
    const message = 'It is over, or was opened in another browser. Start again from the CLI.';
    send(response, messagePage(403, 'This login cannot go on', message, root));
    return;
  }
  const entered = form.get('action') === 'deny' ? desk.end(found, 'denied') : desk.enter(found, form.get('code') ?? '');
  const login = entered.outcome === 'approved' && faults().denyLogin ? desk.end(entered, 'denied') : entered;
  if (login.outcome === 'waiting') send(response, loginPage(login, root, 'Gemini CLI'));
  else if (login.outcome === 'too-many-tries') {
    send(response, messagePage(403, 'Too many wrong codes', 'Start again from the CLI.', root));
  } else redirect(response, parts, login, visit);
}

function redirect(
  response: ServerResponse,
  { codes, faults }: SignInParts,
  { purpose, outcome }: Login,
  visit: Visit,
): void {
  if (purpose.kind !== 'browser') return;
  const { request } = purpose;
  const answer = new URLSearchParams({
    state: faults().wrongState ? `wrong-${request.state}` : request.state,
    ...(outcome === 'approved'
      ? { code: codes.issue(request), scope: request.scope }
      : { error: 'access_denied', error_description: 'The person denied the sign-in.' }),
  });
  // The person's own browser finds the page that shows the code below the loopback server, too.
  const target =
    request.redirectUri === codePage && visit.machineId === personMachineId
      ? codePage.replace('https://', '../../../')
      : request.redirectUri;
  response.writeHead(303, { location: `${target}?${answer.toString()}`, 'cache-control': 'no-store' });
  response.end();
}
