import type { FakeVendor, VendorState } from '@sallyport/testkit/vendors';

import type { CliWorld } from './cli-world.ts';

/** What a user does on the vendor's page, without a screen: the code they read there is known from the vendor. */
export interface Signing {
  readonly button?: 'approve' | 'deny';
  /** A wrong code first. Default: where it goes on to the right one. */
  readonly mistype?: boolean;
  /** The code a device shows, which the page asks for first. */
  readonly userCode?: string | undefined;
}

/** Signs in at a link; resolves to where the vendor's page sends the browser then, if anywhere. */
export async function signIn(
  world: Pick<CliWorld, 'browse'>,
  vendor: FakeVendor<VendorState>,
  url: string,
  { button = 'approve', mistype = button === 'approve', userCode }: Signing = {},
): Promise<string> {
  const page = await world.browse(url, userCode === undefined ? undefined : { user_code: userCode });
  const login = vendor.state().logins.at(-1);
  if (page.status !== 200 || !login) throw new Error(`The sign-in page was answered ${page.status}:\n${page.body}`);
  if (!page.body.includes(login.id)) throw new Error('The page is that of another login.');
  const target = new URL('/oauth/authorize/login', url).href;
  const submit = (code: string) => world.browse(target, { login: login.id, code, action: button });
  if (mistype && (await submit('wrong!')).status !== 401) throw new Error('A wrong code was not refused.');
  // A fresh one is painted after each wrong try.
  const answer = await submit(vendor.state().logins.at(-1)?.code ?? '');
  if (answer.status >= 400) throw new Error(`The page answered ${answer.status}:\n${answer.body}`);
  return answer.headers.location ?? '';
}
