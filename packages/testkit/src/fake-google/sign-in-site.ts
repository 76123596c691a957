import { sendJson, type Site } from '../fake-internet/site.ts';
import type { VendorFaults } from '../fake-vendor/faults.ts';
import type { LoginDesk } from '../fake-vendor/sign-in/login-desk.ts';
import { messagePage } from '../fake-vendor/sign-in/pages.ts';
import { createSignInPages } from '../fake-vendor/sign-in/sign-in-pages.ts';
import type { AuthorizationCodes } from '../fake-vendor/tokens/authorization-codes.ts';
import { parseAuthorizationRequest } from './authorization-request.ts';

export interface SignInParts {
  readonly desk: LoginDesk;
  readonly codes: AuthorizationCodes;
  readonly faults: () => VendorFaults;
}

/**
 * The pages a user sees: `accounts.google.com` to sign in, `codeassist.google.com` for the code to paste, and
 * `developers.google.com`, which says that the login is done.
 */
export function createSignInSites(parts: SignInParts): { readonly signIn: Site; readonly afterSignIn: Site } {
  const pages = createSignInPages({
    ...parts,
    product: 'Gemini CLI',
    // A submitted login is redirected to the CLI's callback, and from there to the page that says it is done.
    formTargets: ['http://127.0.0.1:*', 'https://codeassist.google.com', 'https://developers.google.com'],
  });
  return {
    signIn(request, response, visit) {
      if (pages.answer(request, response, visit)) return;
      const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
      if (`${request.method} ${pathname}` === 'GET /o/oauth2/v2/auth') {
        pages.open(response, parseAuthorizationRequest(searchParams), visit, '../../../');
      } else sendJson(response, 404, { error: { message: `No such page: ${pathname}`, code: 'not_found' } });
    },
    afterSignIn(request, response, visit) {
      if (pages.answer(request, response, visit)) return;
      const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
      const code = searchParams.get('code');
      if (pathname === '/authcode' && code !== null) {
        pages.show(response, messagePage(200, 'Paste this code into Gemini CLI', code, './'));
      } else if (pathname === '/gemini-code-assist/auth_success_gemini') {
        pages.show(response, messagePage(200, 'Signed in', 'You can close this page and go back.', '../'));
      } else pages.show(response, messagePage(404, 'Not here', 'There is no such page.', './'));
    },
  };
}
