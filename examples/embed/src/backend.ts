import { createSallyport } from '@sallyport/client';
import type { LoginEvent } from '@sallyport/client';

export interface BackendOptions {
  /** Origin of the Sallyport server. */
  readonly server: string;
  /** An API key with the role `service`. It never leaves the backend. */
  readonly key: string;
  /** Origin of the product's pages, one of the server's `allowedOrigins`. */
  readonly origin: string;
}

/** What the product asks of Sallyport. Every method throws a `SallyportError`. */
export interface Backend {
  /** A user token for `<sallyport-connect>`. It counts for ten minutes, on the product's pages alone. */
  createToken(userId: string): Promise<string>;
  /** Starts a login on the screen of a machine, and cancels it when the signal aborts. */
  logIn(userId: string, signal: AbortSignal): AsyncIterable<ScreenEvent>;
  /** Runs a prompt on the user's machine and returns the answer. */
  ask(userId: string, prompt: string): Promise<string>;
}

/** First where the screen is, then what happens in the login, up to the event `done`. */
export type ScreenEvent = { readonly type: 'screen'; readonly novncURL: string } | LoginEvent;

const provider = 'codex';

export function createBackend({ server, key, origin }: BackendOptions): Backend {
  const actingFor = (userId?: string) =>
    createSallyport({ baseUrl: server, token: key, ...(userId !== undefined && { userId }) });

  return {
    createToken: async (userId) => {
      const request = { userId, scopes: ['connect' as const], origin, expiresIn: 600 };
      return (await actingFor().createUserToken(request)).token;
    },
    logIn: async function* (userId, signal) {
      const login = await actingFor(userId).connect({ provider, method: 'browser:desktop' });
      // The next login of the user would be refused while this one waits.
      signal.addEventListener('abort', () => void login.cancel().catch(() => {}), { once: true });
      const { novncURL } = login.started;
      if (novncURL === null) throw new Error(`The login with ${provider} has no screen.`);
      yield { type: 'screen', novncURL };
      yield* login;
    },
    ask: async (userId, prompt) => (await actingFor(userId).prompt({ provider, prompt }).result()).text,
  };
}
