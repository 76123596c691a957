import { request } from 'node:http';

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
  const answer = await get(delivery, delivery.target);
  if (answer === undefined || answer.status >= 400) return false;
  // The success page: a redirect of the CLI to itself is followed, once.
  const next = answer.location === undefined ? undefined : ownPage(answer.location, delivery);
  if (next !== undefined) await get(delivery, next);
  return true;
}

/** Path and query of a redirect that stays on the very listener that sent it. */
function ownPage(location: string, { port }: CallbackDelivery): string | undefined {
  const own = `http://127.0.0.1:${port}`;
  const url = URL.canParse(location, own) ? new URL(location, own) : undefined;
  const stays =
    url?.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname) && url.port === String(port);
  return stays ? `${url.pathname}${url.search}` : undefined;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
}

function get({ port, signal }: CallbackDelivery, path: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({
      host: '127.0.0.1',
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
    // The listener is gone, or speaks something else: not taken.
    outgoing.once('error', () => resolve(undefined));
    outgoing.once('close', () => resolve(undefined));
    outgoing.end();
  });
}
