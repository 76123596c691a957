import { request } from 'node:http';

import { callbackAddresses, callbackHosts } from '@sallyport/core/engine';

/** A sign-in callback that has been checked, on its way to the CLI's own listener. */
export interface CallbackDelivery {
  readonly port: number;
  /** Path and query, rebuilt by `checkCallback`. */
  readonly target: string;
  /** Ends with the login. */
  readonly signal: AbortSignal;
}

/**
 * Hands a callback to the CLI and tells whether it was taken, however long the CLI needs: Codex answers when it has
 * redeemed the code, and ends its login only when its own success page was fetched. The request is built again; of
 * what the user's browser sent, only the checked parameters go on. Of what the CLI answers, only the class of the
 * status comes back; its page and headers would otherwise appear on the server's own site.
 */
export async function deliverCallback(delivery: CallbackDelivery): Promise<boolean> {
  const { address, answer } = await reach(delivery);
  if (answer === undefined || answer.status >= 400) return false;
  // The success page: a redirect of the CLI to itself is followed, once.
  const next = answer.location === undefined ? undefined : ownPage(answer.location, delivery);
  if (next !== undefined) await get(delivery, address, next);
  return true;
}

/** Path and query of a redirect that stays on the very listener that sent it. */
function ownPage(location: string, { port }: CallbackDelivery): string | undefined {
  const own = `http://127.0.0.1:${port}`;
  const url = URL.canParse(location, own) ? new URL(location, own) : undefined;
  const stays = url?.protocol === 'http:' && callbackHosts.includes(url.hostname) && url.port === String(port);
  return stays ? `${url.pathname}${url.search}` : undefined;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

/** The CLI listens on one of the loopback addresses; the next is asked only where nobody listens on this one. */
async function reach(delivery: CallbackDelivery): Promise<{ readonly address: string; readonly answer?: Answer }> {
  for (const address of callbackAddresses) {
    const answer = await get(delivery, address, delivery.target);
    if (answer !== 'nobody') return { address, ...(answer && { answer }) };
  }
  return { address: callbackAddresses[0] };
}

function get({ port, signal }: CallbackDelivery, host: string, path: string): Promise<Answer | 'nobody' | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({
      host,
      port,
      path,
      method: 'GET',
      agent: false,
      signal,
    });
    outgoing.once('response', (response) => {
      resolve({ status: response.statusCode ?? 500, location: response.headers.location });
      response.destroy();
    });
    // The listener speaks something else, or there is none: not taken.
    outgoing.once('error', (error) => {
      resolve('code' in error && error.code === 'ECONNREFUSED' ? 'nobody' : undefined);
    });
    outgoing.once('close', () => resolve(undefined));
    outgoing.end();
  });
}
