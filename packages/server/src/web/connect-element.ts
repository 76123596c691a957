import type { TokenSource } from '@sallyport/client';
import type { SallyportConnectElement, SallyportConnectEvents } from '@sallyport/client/element';

import { createApi, Problem, toProblem } from './api.ts';
import type { Api, LoginStatus, MethodChoice, Provider } from './api.ts';
import { outcomeEvent } from './connect-events.ts';
import { widgetStyles } from './connect-styles.ts';
import { button, h } from './dom.ts';
import { problemView } from './problem-view.ts';
import type { ShownProblem } from './problem-view.ts';
import { createSessionView, isOver, otherMethods } from './session-view.ts';
import type { SessionView } from './session-view.ts';
import { wait } from './wait.ts';

/**
 * `<sallyport-connect provider="codex">`: connects one provider. Any page can embed it.
 *
 * Attributes: `provider`, the provider's id; `server`, the origin of the Sallyport server (default: the page's own).
 * Property `token`: the user token, or a function that gets one from your backend; it is called for each request.
 * Events, which bubble: those of `SallyportConnectEvents` in `@sallyport/client/element`.
 */
export class SallyportConnect extends HTMLElement implements SallyportConnectElement {
  static readonly observedAttributes = ['provider', 'server'];

  readonly #root = this.attachShadow({ mode: 'open' });
  #token: TokenSource | undefined;
  /** The scripts of the page have run, so there is a token if there is to be one. */
  #isReady = false;
  #session: SessionView | undefined;
  #provider: Provider | undefined;

  get token(): TokenSource | undefined {
    return this.#token;
  }

  set token(token: TokenSource | undefined) {
    this.#token = token;
    if (this.isConnected && this.#isReady) void this.refresh();
  }

  connectedCallback(): void {
    this.#root.adoptedStyleSheets = [widgetStyles()];
    this.#takeEarlyToken();
    void this.#begin();
  }

  disconnectedCallback(): void {
    this.#endSession();
  }

  attributeChangedCallback(_name: string, before: string | null): void {
    if (before !== null && this.isConnected && this.#isReady) void this.refresh();
  }

  /** Without a token the server refuses, and a page may set one in a script after this one. */
  async #begin(): Promise<void> {
    await pageScripts();
    this.#isReady = true;
    if (this.isConnected) await this.refresh();
  }

  /** Reads the state from the server again. A login that was under way before a reload goes on. */
  async refresh(): Promise<void> {
    this.#endSession();
    if (!this.#provider) this.#render(h('p', { class: 'body small' }, 'Loading…'));
    await this.#attempt(async () => {
      await this.#load();
      const remembered = sessionStorage.getItem(this.#storageKey);
      if (remembered === null) {
        this.#render();
        return;
      }
      // A session nobody knows any more is not the user's problem.
      const status = await this.#api.status(remembered).catch(() => undefined);
      if (!status || isOver(status)) this.#forget();
      if (status) this.#follow(status);
      else this.#render();
    });
  }

  /** It is connected, and no prompt has worked with it yet. */
  get isUnchecked(): boolean {
    return this.#provider?.connected === true && this.#provider.lastVerified === null;
  }

  get #api(): Api {
    return createApi(this.getAttribute('server') ?? '', this.#token);
  }

  get #id(): string {
    return this.getAttribute('provider') ?? '';
  }

  get #storageKey(): string {
    return `sallyport.session.${this.#id}`;
  }

  /** A token that was set before this script had loaded is a plain property, which hides the setter. */
  #takeEarlyToken(): void {
    if (!Object.hasOwn(this, 'token')) return;
    this.#token = this.token;
    Reflect.deleteProperty(this, 'token');
  }

  async #load(): Promise<void> {
    // A user who looks at it is about to click. Where it fails, the login takes longer.
    void this.#api.prepare(this.#id).catch(() => undefined);
    const providers = await this.#api.providers();
    this.#provider = providers.find((provider) => provider.id === this.#id);
    if (!this.#provider) {
      const known = providers.map((provider) => provider.id).join(', ');
      throw new Problem({ detail: `There is no provider “${this.#id}”.`, hint: `This server knows: ${known}.` });
    }
  }

  async #start(way?: MethodChoice): Promise<void> {
    await this.#attempt(async () => {
      this.#render(h('p', { class: 'body small', role: 'status' }, 'Starting…'));
      const sessionId = await this.#startOrJoin(way?.id);
      if (sessionId === undefined) {
        this.#render();
        return;
      }
      sessionStorage.setItem(this.#storageKey, sessionId);
      this.#follow(await this.#api.status(sessionId));
    });
  }

  /**
   * A login that is under way in another tab is joined, unless another way was asked for. `undefined` where the user
   * wants to keep what is connected.
   */
  async #startOrJoin(method: string | undefined): Promise<string | undefined> {
    let replace: true | undefined;
    for (let attempt = 0; ; attempt++) {
      try {
        const consent = this.#provider?.consent.id;
        return (await this.#api.start({ provider: this.#id, method, consent, replace })).sessionId;
      } catch (error) {
        const problem = toProblem(error);
        const running = problem.details['sessionId'];
        if (problem.code === 'CREDENTIAL_EXCLUDED' && !replace) {
          if (!confirm(`${problem.message} Continue?`)) return undefined;
          replace = true;
          continue;
        }
        if (problem.code !== 'LOGIN_IN_PROGRESS' || typeof running !== 'string') throw problem;
        if (method === undefined) return running;
        // The one we have just cancelled is still cleaning up.
        if (attempt === 0) await this.#api.cancel(running).catch(() => {});
        if (attempt > 20) throw problem;
        await wait(500);
      }
    }
  }

  async #switchTo(way: MethodChoice): Promise<void> {
    const sessionId = sessionStorage.getItem(this.#storageKey);
    this.#endSession();
    if (sessionId !== null) await this.#api.cancel(sessionId).catch(() => {});
    await this.#start(way);
  }

  #follow(status: LoginStatus): void {
    this.#endSession();
    if (isOver(status)) {
      this.#done(status);
      return;
    }
    this.#session = createSessionView({
      api: this.#api,
      status,
      placeScreen: (screen) => {
        screen.slot = 'desktop';
        this.replaceChildren(screen);
      },
      onDone: (end) => this.#done(end),
      onOtherMethod: (way) => void this.#switchTo(way),
    });
    this.#render(this.#session.element, { isRunning: true });
  }

  #done(status: LoginStatus): void {
    this.#endSession();
    this.#forget();
    const { type, detail } = outcomeEvent(this.#id, status);
    this.#dispatch(type, detail);
    void this.#attempt(async () => {
      await this.#load();
      if (status.status === 'failed') {
        const message = status.errorMessage ?? 'The login failed.';
        this.#renderProblem({ title: 'The login did not work', message, hint: status.errorHint ?? '' });
      } else {
        this.#render();
        // Never on Disconnect, which would be the first button now.
        const next = status.status === 'completed' ? '.card' : 'button';
        this.#root.querySelector<HTMLElement>(next)?.focus();
      }
      this.#announce();
    });
  }

  async #disconnect(): Promise<void> {
    const title = this.#provider?.title ?? this.#id;
    if (!confirm(`Disconnect ${title}? Its login, settings and history are erased from this server. Your files stay.`))
      return;
    await this.#attempt(async () => {
      const hadKey = this.#provider?.kind === 'api-key';
      const { vendorRevoked } = await this.#api.disconnect(this.#id);
      await this.#load();
      const notice = this.#notice();
      const remains = h('p', { class: 'body small', role: 'status' }, whatRemains(hadKey));
      this.#render(vendorRevoked === true ? notice : h('div', {}, remains, ...(notice ? [notice] : [])));
      this.#announce();
    });
  }

  #announce(): void {
    this.#dispatch('sallyport-change', { provider: this.#id, connected: this.#provider?.connected ?? false });
  }

  #dispatch<Type extends keyof SallyportConnectEvents>(type: Type, detail: SallyportConnectEvents[Type]): void {
    this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { hint, message } = toProblem(error);
      this.#renderProblem({ title: 'That did not work', message, hint });
    }
  }

  #renderProblem(problem: ShownProblem): void {
    const ways = this.#provider?.methods ?? [];
    const again = this.#provider
      ? otherMethods(ways, (way) => void this.#start(way))
      : button('Try again', () => void this.refresh());
    this.#render(h('div', { class: 'body' }, problemView(problem), again));
  }

  #render(body: HTMLElement | undefined = this.#notice(), { isRunning = false } = {}): void {
    const title = this.#provider?.title ?? this.#id;
    const head = h(
      'div',
      { class: 'head' },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, title.charAt(0).toUpperCase()),
      h('div', { class: 'who' }, h('h2', {}, title), this.#describe(isRunning)),
      ...(isRunning ? [] : this.#headButtons(title)),
    );
    this.#root.replaceChildren(
      h('section', { class: 'card', 'aria-label': title, tabindex: '-1' }, head, ...(body ? [body] : [])),
    );
  }

  #describe(isRunning: boolean): HTMLElement {
    const provider = this.#provider;
    if (isRunning) return h('p', {}, 'Connecting…');
    if (provider?.disabled && !provider.connected) return h('p', {}, 'Switched off');
    if (!provider?.connected) {
      const terms = provider && h('a', { href: provider.terms, target: '_blank', rel: 'noopener noreferrer' }, 'terms');
      return h('p', {}, 'Not connected', ...(terms ? [' · your own subscription, under its ', terms] : []));
    }
    if (provider.disabled) return h('p', {}, h('span', { class: 'pill warn' }, 'Switched off'), ' · its login is kept');
    const isValid = provider.valid !== false;
    const [look, state] = !isValid
      ? ['pill warn', 'Log in again']
      : this.isUnchecked
        ? ['pill open', 'Not checked yet']
        : ['pill', 'Connected'];
    const pill = h('span', { class: look }, state);
    const how = provider.kind === 'api-key' ? ' with an API key' : '';
    const who = `${how}${provider.account ? ` as ${provider.account}` : ''}`;
    const why = isValid ? loginEnd(provider) : ` · ${provider.problem ?? ''}`;
    return h('p', {}, pill, `${who}${why}`);
  }

  /** What to know before connecting, or why nobody can. */
  #notice(): HTMLElement | undefined {
    const provider = this.#provider;
    if (provider?.disabled) {
      const { hint, reason } = provider.disabled;
      return h('p', { class: 'body small' }, `${reason} ${hint}`);
    }
    if (!provider || (provider.connected && provider.valid !== false)) return undefined;
    const text = h('p', { class: 'small' }, provider.consent.text);
    const keys = provider.methods.filter(({ needs }) => needs.includes('key'));
    const ways = keys.map((way) => button(way.title, () => void this.#start(way)));
    return h('div', { class: 'body' }, text, ...(ways.length > 0 ? [h('div', { class: 'row' }, ...ways)] : []));
  }

  #headButtons(title: string): HTMLElement[] {
    const provider = this.#provider;
    if (!provider) return [];
    const connect = (label: string): HTMLElement[] =>
      provider.disabled ? [] : [button(label, () => void this.#start(), { class: 'primary' })];
    if (!provider.connected) return connect(`Connect ${title}`);
    const disconnect = button('Disconnect', () => void this.#disconnect(), { class: 'quiet' });
    return provider.valid === false ? [...connect('Log in again'), disconnect] : [disconnect];
  }

  #forget(): void {
    sessionStorage.removeItem(this.#storageKey);
  }

  #endSession(): void {
    this.#session?.close();
    this.#session = undefined;
    this.replaceChildren();
  }
}

if (!customElements.get('sallyport-connect')) customElements.define('sallyport-connect', SallyportConnect);

/** When the user has to log in again, where that is known. */
function loginEnd({ loginExpiresAt, endsSoon }: Provider): string {
  if (loginExpiresAt === null) return '';
  const day = new Date(loginExpiresAt).toLocaleDateString();
  return endsSoon ? ` · Log in again before ${day}` : ` · until ${day}`;
}

/** What erasing a login here does not end at the vendor. */
function whatRemains(hadKey: boolean): string {
  return hadKey
    ? 'Erased here. The API key still works. If you no longer need it, delete it on the page where you created it.'
    : 'Erased here. Your login may still be active at the vendor. You can end it in your account settings there.';
}

/** Resolves when the scripts of a page that is being loaded have run. */
function pageScripts(): Promise<void> {
  if (document.readyState === 'complete') return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener('DOMContentLoaded', () => resolve(), { once: true });
    window.addEventListener('load', () => resolve(), { once: true });
  });
}
