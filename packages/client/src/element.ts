import type { TokenSource } from './request.ts';

/** Attributes of `<sallyport-connect>`. */
export interface SallyportConnectAttributes {
  /** The provider's id, such as `codex`. */
  readonly provider: string;
  /** Origin of the Sallyport server. Default: that of the page. */
  readonly server?: string;
}

/** `<sallyport-connect>`, as {@link loadSallyportConnect} defines it. */
export interface SallyportConnectElement extends HTMLElement {
  /** A user token, or a function that gets one from your backend; it is called for each request. */
  token: TokenSource | undefined;
  /** Reads the state from the server again. */
  refresh(): Promise<void>;
}

/** The detail of each event of `<sallyport-connect>`. Fields may be added, and none is removed, within a major version. */
export interface SallyportConnectEvents {
  /** A login has succeeded. */
  'sallyport-connected': { readonly provider: string; readonly sessionId: string };
  /** A login has failed. `code` is one of docs/errors.md, or `null`; `message` and `hint` are for the user. */
  'sallyport-failed': {
    readonly provider: string;
    readonly sessionId: string;
    readonly code: string | null;
    readonly message: string;
    readonly hint: string;
  };
  /** A login was canceled, by the user or by the server. */
  'sallyport-canceled': { readonly provider: string; readonly sessionId: string };
  /** A login has ended in any of these ways, or the user has disconnected: whether the provider is connected now. */
  'sallyport-change': { readonly provider: string; readonly connected: boolean };
}

export type SallyportConnectEventMap = {
  readonly [Type in keyof SallyportConnectEvents]: CustomEvent<SallyportConnectEvents[Type]>;
};

declare global {
  interface HTMLElementTagNameMap {
    'sallyport-connect': SallyportConnectElement;
  }
  interface HTMLElementEventMap extends SallyportConnectEventMap {}
}

const NAME = 'sallyport-connect';
/** Path of the script on a server. It is named by the major version of attributes and events, and changes with no other. */
const PATH = '/connect-element/v1.js';

const loading = new Map<string, Promise<boolean>>();

/**
 * Loads the script of `<sallyport-connect>` from a Sallyport server, whose API it fits, and resolves once the element is
 * defined. Where there is no `document`, as in server-side rendering, it resolves to `false` and does nothing. A script
 * is loaded once per server. Rejects with an `Error` if it cannot be loaded; the next call tries again.
 */
export function loadSallyportConnect({ baseUrl }: { readonly baseUrl: string }): Promise<boolean> {
  if (typeof document === 'undefined') return Promise.resolve(false);
  if (customElements.get(NAME)) return Promise.resolve(true);
  const source = new URL(PATH, baseUrl).href;
  const known = loading.get(source);
  if (known) return known;
  const loaded = loadScript(source).finally(() => loading.delete(source));
  loading.set(source, loaded);
  return loaded;
}

function loadScript(source: string): Promise<boolean> {
  const script = Object.assign(document.createElement('script'), { type: 'module', src: source });
  return new Promise<boolean>((resolve, reject) => {
    script.addEventListener('load', () => resolve(true));
    script.addEventListener('error', () => {
      script.remove();
      const hint = 'Check that the server runs, that `allowedOrigins` has the origin of this page, and script-src.';
      reject(new Error(`${source} could not be loaded. ${hint}`));
    });
    document.head.append(script);
  });
}
