import type { IncomingMessage, ServerResponse } from 'node:http';

import { personMachineId, sendJson, type Visit } from '../../fake-internet/site.ts';
import type { VendorFaults } from '../faults.ts';
import type { AuthorizationCodes } from '../tokens/authorization-codes.ts';
import type { CheckedLink } from './authorization-request.ts';
import { paintColourCode } from './colour-code-image.ts';
import type { Login, LoginDesk, LoginPurpose } from './login-desk.ts';
import { loginPage, messagePage, type Page, sendPage, styleSheet } from './pages.ts';

export interface SignInOptions {
  readonly desk: LoginDesk;
  readonly codes: AuthorizationCodes;
  readonly faults: () => VendorFaults;
  /** What the user signs in to. */
  readonly product: string;
  /** Origins a submitted form may be redirected to, as a content security policy writes them. */
  readonly formTargets: readonly string[];
  /** Called when the user has approved or denied a device. */
  readonly endDevice?: (userCode: string, approved: boolean) => void;
}

/** The pages every vendor has: a code to read and to type, and what comes of it. */
export interface SignInPages {
  /** Shows the sign-in page for a link, or what is wrong with the link. `root` is the way from its path to the site's. */
  open(response: ServerResponse, link: CheckedLink, visit: Visit, root: string): void;
  openDevice(response: ServerResponse, userCode: string, visit: Visit, root: string): void;
  show(response: ServerResponse, page: Page): void;
  /** Style sheet, painted code and submitted form. False: the request is for something else. */
  answer(request: IncomingMessage, response: ServerResponse, visit: Visit): boolean;
}

export function createSignInPages(options: SignInOptions): SignInPages {
  const { desk, product } = options;
  const show = (response: ServerResponse, page: Page): void => sendPage(response, page, options.formTargets);
  const openFor = (response: ServerResponse, purpose: LoginPurpose, visit: Visit, root: string): void =>
    show(response, loginPage(desk.open(purpose, visit.machineId), root, product));
  return {
    open(response, link, visit, root) {
      if ('request' in link) openFor(response, { kind: 'browser', request: link.request }, visit, root);
      else show(response, messagePage(400, 'This sign-in link is not valid', link.problem, root));
    },
    openDevice: (response, userCode, visit, root) => openFor(response, { kind: 'device', userCode }, visit, root),
    show,
    answer(request, response, visit) {
      const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
      switch (`${request.method} ${pathname}`) {
        case 'GET /assets/login.css':
          response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' });
          response.end(styleSheet);
          return true;
        case 'GET /login/code.svg':
          sendPicture(response, desk.visit(searchParams.get('login') ?? '', visit.machineId));
          return true;
        case 'POST /oauth/authorize/login':
          submit(response, options, show, visit);
          return true;
        default:
          return false;
      }
    },
  };
}

function sendPicture(response: ServerResponse, login: Login | undefined): void {
  if (login?.outcome !== 'waiting') {
    sendJson(response, 404, { error: { message: 'There is no such login.' } });
    return;
  }
  response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'no-store' });
  response.end(paintColourCode(login.code));
}

function submit(response: ServerResponse, options: SignInOptions, show: SignInPages['show'], visit: Visit): void {
  const { desk, faults, product } = options;
  const root = '../../';
  const form = new URLSearchParams(visit.body);
  const found = desk.visit(form.get('login') ?? '', visit.machineId);
  if (found?.outcome !== 'waiting') {
    const message = 'It is over, or was opened in another browser. Start again from the CLI.';
    show(response, messagePage(403, 'This login cannot go on', message, root));
    return;
  }
  const entered = form.get('action') === 'deny' ? desk.end(found, 'denied') : desk.enter(found, form.get('code') ?? '');
  const login = entered.outcome === 'approved' && faults().denyLogin ? desk.end(entered, 'denied') : entered;
  if (login.outcome === 'waiting') show(response, loginPage(login, root, product));
  else if (login.outcome === 'too-many-tries') {
    show(response, messagePage(403, 'Too many wrong codes', 'Start again from the CLI.', root));
  } else if (login.purpose.kind === 'browser') {
    redirect(response, options, login.purpose, login.outcome === 'approved', visit);
  } else {
    const approved = login.outcome === 'approved';
    options.endDevice?.(login.purpose.userCode, approved);
    const message = approved ? 'You can close this page and go back.' : 'The device was not connected.';
    show(response, messagePage(200, approved ? 'Device connected' : 'Denied', message, root));
  }
}

/** The answer to the CLI (RFC 6749 §4.1.2), by way of the browser. */
function redirect(
  response: ServerResponse,
  { codes, faults }: SignInOptions,
  { request }: Extract<LoginPurpose, { kind: 'browser' }>,
  approved: boolean,
  visit: Visit,
): void {
  const answer = new URLSearchParams({
    ...(approved
      ? { code: codes.issue(request), scope: request.scope }
      : { error: 'access_denied', error_description: 'The person denied the sign-in.' }),
    state: faults().wrongState ? `wrong-${request.state}` : request.state,
  });
  // The user's own browser finds a page of the vendor below the loopback server, too.
  const target =
    visit.machineId === personMachineId ? request.redirectUri.replace(/^https:\/\//, '../../../') : request.redirectUri;
  response.writeHead(303, { location: `${target}?${answer.toString()}`, 'cache-control': 'no-store' });
  response.end();
}
