import { SallyportError } from '@sallyport/core';

import type { createEgressClient } from '../fake-internet/egress-client.ts';
import type { VendorState } from '../fake-vendor/state.ts';

export interface SignInRequest {
  /** The link the CLI shows. */
  readonly url: string;
  /** The code it shows with the link, where it is a device's. */
  readonly userCode?: string | undefined;
  /** Default: `approve`. */
  readonly decision?: 'approve' | 'deny';
}

/**
 * Plays the user at the sign-in pages of a fake vendor: opens the link, types the device's code, and the code that
 * the page paints. Returns where the page sends the browser; `undefined` where it only says how it went.
 */
export async function signInAsUser(
  vendor: { state(): Pick<VendorState, 'logins'> },
  browse: ReturnType<typeof createEgressClient>,
  { url, userCode, decision = 'approve' }: SignInRequest,
): Promise<string | undefined> {
  const submit = (to: string, fields: Readonly<Record<string, string>>) =>
    browse(to, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });
  const page = await (userCode === undefined ? browse(url) : submit(url, { user_code: userCode }));
  const login = vendor.state().logins.at(-1);
  if (page.status !== 200 || !login || !page.body.includes(login.id)) {
    throw new SallyportError('LOGIN_FAILED', `The sign-in page answered ${page.status}: ${paragraphsOf(page.body)}`);
  }
  const decided = await submit(new URL('/oauth/authorize/login', url).href, {
    login: login.id,
    code: login.code,
    action: decision,
  });
  return decided.headers.location;
}

function paragraphsOf(page: string): string {
  return [...page.matchAll(/<p[^>]*>([^<]*)<\/p>/g)].map((found) => found[1]).join(' ');
}
