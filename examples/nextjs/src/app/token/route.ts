import { settings } from '../settings';

/** Mints a user token for `<sallyport-connect>`. It counts for ten minutes, on the pages of this app alone. */
export async function POST(request: Request): Promise<Response> {
  // Another page in the same browser must not act for the user.
  if (request.headers.get('sec-fetch-site') !== 'same-origin') return new Response(null, { status: 404 });
  const { server, key, origin } = settings();
  const answer = await fetch(`${server}/api/user-tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ userId: signedInUser(request), scopes: ['connect'], origin, expiresIn: 600 }),
    cache: 'no-store',
  });
  const body = await answer.json();
  if (!answer.ok) return new Response(`${body.detail} ${body.hint}`, { status: 502 });
  return new Response(body.token, { headers: { 'cache-control': 'no-store' } });
}

/** A product with users takes this from its session cookie, and never from what the page says. */
function signedInUser(_request: Request): string {
  return 'ada';
}
