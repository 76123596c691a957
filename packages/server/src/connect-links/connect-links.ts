import { randomUUID } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import { liveSessionStatuses } from '@sallyport/core/store';
import type { ResolvedUser, Sallyport } from '@sallyport/core';
import type { ConnectLinkRecord, SessionRecord } from '@sallyport/core/store';
import type { FastifyRequest } from 'fastify';

import { baseUrl } from '../auth/public-address.ts';
import type { PublicAddress } from '../auth/public-address.ts';
import { digestOf, newSecret } from '../auth/secrets.ts';
import { readLinkCookie } from './cookie.ts';
import type { ConnectLinkSettings } from './settings.ts';

/** From opening the link to the backend's claim: the user logs in meanwhile. */
export const OPENED_LINK_MS = 30 * 60_000;
/** The browser returns at once, and the backend asks at once. */
const CODE_MS = 5 * 60_000;

export interface NewLink {
  readonly user: ResolvedUser;
  readonly provider?: string | undefined;
  readonly returnUrl: string;
  readonly state?: string | undefined;
  readonly replace?: boolean | undefined;
  readonly expiresIn: number;
}

/**
 * Links that a product's backend sends its users to. Anyone may end up with a link, and would connect their account to the user
 * it was made for. So a login through a link is held until the backend has seen the same user return, and is deleted if another
 * one does.
 */
export interface ConnectLinks {
  readonly settings: ConnectLinkSettings;
  create(link: NewLink): Promise<{ readonly link: ConnectLinkRecord; readonly token: string }>;
  /** Binds the link to the browser, which is to keep the secret. */
  open(token: string): Promise<{ readonly link: ConnectLinkRecord; readonly browser: string }>;
  /** The link that the browser of this request has opened. Throws `CONNECT_LINK_GONE`. */
  of(request: FastifyRequest): Promise<ConnectLinkRecord>;
  /** The same, or `undefined`. */
  find(request: FastifyRequest): Promise<ConnectLinkRecord | undefined>;
  startLogin(
    link: ConnectLinkRecord,
    login: Pick<Parameters<Sallyport['logins']['start']>[0], 'provider' | 'method' | 'consent'>,
  ): Promise<SessionRecord>;
  /** Where the browser goes when it is done: with a code if the login worked. */
  returnUrl(link: ConnectLinkRecord): Promise<string>;
  /** Gives the login to the user, who has to be the one the link was made for. */
  claim(code: string, user: ResolvedUser): Promise<{ readonly provider: string; readonly version: number }>;
}

export function createConnectLinks(
  { logins, heldLogins, providers, store }: Sallyport,
  settings: ConnectLinkSettings,
  address: PublicAddress,
): ConnectLinks {
  const links = store.connectLinks;

  const lastLogin = async ({ sessionId }: ConnectLinkRecord): Promise<SessionRecord | undefined> =>
    sessionId === null ? undefined : store.sessions.get(sessionId);

  /**
   * A tab that was closed leaves its login under way, and no page can cancel it any more. So a login of another link makes room
   * for the newest one. Throws `error` if it says anything else: what the user began on a page of the product goes on.
   */
  async function endLoginOfOtherLink({ linkId, userId }: ConnectLinkRecord, error: unknown): Promise<void> {
    if (!isUnderWay(error)) throw error;
    const others = (await links.list({ userId })).filter(
      (other) => other.linkId !== linkId && other.sessionId !== null,
    );
    const { sessionId } = others.find((other) => other.sessionId === error.details.sessionId) ?? {};
    if (typeof sessionId !== 'string') throw error;
    await logins.cancel(sessionId).catch((failure: unknown) => {
      // It has ended by itself, or another server runs it: then the login cannot start, and says so.
      if (!SallyportError.isInstance(failure) || failure.code !== 'LOGIN_SESSION_OVER') throw failure;
    });
  }

  async function find({ headers }: FastifyRequest): Promise<ConnectLinkRecord | undefined> {
    // Other pages of the same site send the cookie too.
    const isOwnPage = headers.origin === undefined || headers.origin === baseUrl(address, headers.host);
    const browser = isOwnPage ? readLinkCookie(address, headers.cookie) : undefined;
    return browser === undefined ? undefined : links.ofBrowser(digestOf(browser));
  }

  return {
    settings,
    create: async ({ user, provider, returnUrl, state = null, replace = false, expiresIn }) => {
      if (!settings.returnUrls.includes(returnUrl)) {
        throw new SallyportError('REQUEST_INVALID', 'returnUrl is not one of the addresses that users may return to.', {
          hint: 'Add it to `connectLinks.returnUrls` in the configuration, letter by letter.',
        });
      }
      const token = newSecret();
      const link = await links.create({
        linkId: randomUUID(),
        ...user,
        provider: provider === undefined ? null : providers.get(provider).manifest.id,
        replace,
        returnUrl,
        state,
        tokenSha256: digestOf(token),
        lifetimeMs: expiresIn * 1000,
      });
      return { link, token };
    },
    open: async (token) => {
      const browser = newSecret();
      const link = await links.open(digestOf(token), digestOf(browser), OPENED_LINK_MS);
      if (!link) throw gone();
      return { link, browser };
    },
    of: async (request) => {
      const link = await find(request);
      if (!link) throw gone();
      return link;
    },
    find,
    startLogin: async (link, login) => {
      const before = await lastLogin(link);
      if (before && (before.status === 'completed' || liveSessionStatuses.includes(before.status))) throw underWay();
      const { userId, externalId, provider, replace } = link;
      if (provider !== null && provider !== providers.get(login.provider).manifest.id)
        throw new SallyportError('REQUEST_INVALID', 'This link is for another provider.');
      const sessionId = randomUUID();
      // Noted before it begins: what it brings is found by this id.
      if (!(await links.setSession(link.linkId, link.sessionId, sessionId))) throw underWay();
      const start = (): Promise<SessionRecord> =>
        logins.start({ ...login, userId, externalId, replace, sessionId, hold: true });
      try {
        return await start().catch(async (error: unknown) => {
          await endLoginOfOtherLink(link, error);
          return start();
        });
      } catch (error) {
        // Its details name a login that is not of this link.
        throw isUnderWay(error) ? underWay() : error;
      }
    },
    returnUrl: async (link) => {
      const login = await lastLogin(link);
      const url = new URL(link.returnUrl);
      if (link.state !== null) url.searchParams.set('state', link.state);
      url.searchParams.set('status', login?.status === 'completed' ? 'completed' : 'cancelled');
      if (login?.status === 'completed') {
        const code = newSecret();
        if (!(await links.setCode(link.linkId, digestOf(code), CODE_MS))) throw gone();
        url.searchParams.set('code', code);
      }
      return url.href;
    },
    claim: async (code, { userId }) => {
      const link = await links.spend(digestOf(code));
      const login = link && (await lastLogin(link));
      if (!login) throw gone();
      if (link.userId !== userId) {
        await heldLogins.discard(login, 'other-user');
        throw gone();
      }
      const version = await heldLogins.claim(login, link);
      return { provider: login.provider, version };
    },
  };
}

/** The same for every reason: a link tells nothing to a browser that it is not for. */
function gone(): SallyportError {
  return new SallyportError('CONNECT_LINK_GONE', 'This link can no longer be used.');
}

function isUnderWay(error: unknown): error is SallyportError {
  return SallyportError.isInstance(error) && error.code === 'LOGIN_IN_PROGRESS';
}

function underWay(): SallyportError {
  return new SallyportError('LOGIN_IN_PROGRESS', 'A login is under way already.', {
    hint: 'Finish or cancel it where you began it. Left alone, it ends by itself after a while; then try again.',
  });
}
