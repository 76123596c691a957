import type { IncomingMessage } from 'node:http';

import { sendJson, type Site, type Visit } from '../fake-internet/site.ts';
import { parseParameters } from '../fake-vendor/request.ts';
import type { LoginDesk } from '../fake-vendor/sign-in/login-desk.ts';
import { messagePage } from '../fake-vendor/sign-in/pages.ts';
import { createSignInPages } from '../fake-vendor/sign-in/sign-in-pages.ts';
import { answerGrant, type GrantParts } from '../fake-vendor/tokens/answer-grant.ts';
import { parseAuthorizationRequest, parseShortLink } from './authorization-request.ts';
import { grantRules } from './grant-rules.ts';
import type { AnthropicTokens } from './tokens.ts';

export interface SignInParts extends GrantParts<AnthropicTokens> {
  readonly desk: LoginDesk;
}

/**
 * Where a user signs in: `claude.ai` by the short link, `claude.com` by the long one, and `platform.claude.com`,
 * which also shows codes to paste and is spoken to by the CLI.
 */
export function createSignInSites(parts: SignInParts): Readonly<Record<'short' | 'long' | 'platform', Site>> {
  const pages = createSignInPages({
    ...parts,
    product: 'Claude Code',
    // A submitted login is redirected to the CLI's callback, and from there to the page that says it is done.
    formTargets: ['http://localhost:*', 'http://127.0.0.1:*', 'https://platform.claude.com'],
  });
  return {
    short(request, response, visit) {
      if (pages.answer(request, response, visit)) return;
      const { method, pathname, search } = parsed(request, visit);
      if (`${method} ${pathname}` === 'GET /oauth/authorize') {
        pages.open(response, parseShortLink(search.slice(1)), visit, '../');
      } else pages.show(response, notHere('./'));
    },
    long(request, response, visit) {
      if (pages.answer(request, response, visit)) return;
      const { method, pathname, searchParams } = parsed(request, visit);
      if (`${method} ${pathname}` === 'GET /cai/oauth/authorize') {
        pages.open(response, parseAuthorizationRequest(searchParams), visit, '../../');
      } else pages.show(response, notHere('./'));
    },
    platform(request, response, visit) {
      if (pages.answer(request, response, visit)) return;
      const { method, pathname, searchParams } = parsed(request, visit);
      const parameters = parseParameters(request, visit.body);
      switch (`${method} ${pathname}`) {
        case 'GET /oauth/authorize':
          pages.open(response, parseAuthorizationRequest(searchParams), visit, '../');
          return;
        case 'GET /oauth/code/callback': {
          const code = searchParams.get('code');
          const page =
            code === null
              ? messagePage(403, 'Not signed in', 'The sign-in was denied.', '../../')
              : messagePage(200, 'Paste this into Claude Code', `${code}#${searchParams.get('state')}`, '../../');
          pages.show(response, page);
          return;
        }
        case 'GET /oauth/code/success':
          pages.show(response, messagePage(200, 'Signed in', 'You can close this page and go back.', '../../'));
          return;
        // The CLI asks before its first start whether anybody is there.
        case 'GET /v1/oauth/hello':
          sendJson(response, 200, { message: 'hello' });
          return;
        case 'POST /v1/oauth/token':
          answerGrant(response, parts, parameters, visit, grantRules);
          return;
        case 'POST /v1/oauth/token/revoke':
          parts.ledger.revoke(parameters.get('token') ?? '', 'revoked');
          sendJson(response, 200, {});
          return;
        default:
          pages.show(response, notHere('./'));
      }
    },
  };
}

function parsed(request: IncomingMessage, { host }: Visit) {
  const { pathname, search, searchParams } = new URL(request.url ?? '/', `https://${host}`);
  return { method: request.method, pathname, search, searchParams };
}

const notHere = (root: string) => messagePage(404, 'Not here', 'There is no such page.', root);
