/** A sign-in link that passed the guard. The only kind that is ever shown or opened. */
export interface GuardedUrl {
  /** The link exactly as the WHATWG URL parser serialises it. */
  readonly href: string;
  readonly host: string;
  /** `state` of the link (RFC 6749 §4.1.1); the callback must bring the same. */
  readonly state: string | undefined;
  /** The loopback redirect inside the link, where the method has one. */
  readonly callback: { readonly port: number; readonly path: string } | undefined;
}
