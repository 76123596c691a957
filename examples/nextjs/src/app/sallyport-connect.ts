import type { DetailedHTMLProps, HTMLAttributes } from 'react';

/** The detail of the event `sallyport-change`. */
export interface ConnectChange {
  readonly provider: string;
  readonly connected: boolean;
}

/** The element that `/connect-element.js` of a Sallyport server defines. */
export interface SallyportConnect extends HTMLElement {
  /** A user token, or what gets one from the backend. */
  token: string | (() => string | Promise<string>) | undefined;
}

interface ConnectAttributes extends HTMLAttributes<SallyportConnect> {
  readonly provider: string;
  readonly server?: string;
}

declare global {
  interface HTMLElementEventMap {
    'sallyport-change': CustomEvent<ConnectChange>;
  }
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'sallyport-connect': DetailedHTMLProps<ConnectAttributes, SallyportConnect>;
    }
  }
}
