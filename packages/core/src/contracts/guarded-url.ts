/** A sign-in URL that passed the guard. Only these are ever shown or opened. */
export interface GuardedUrl {
  /** The URL exactly as the WHATWG URL parser serializes it. */
  readonly href: string;
  readonly host: string;
  /** `state` of the URL (RFC 6749 §4.1.1). The callback must carry the same value. */
  readonly state: string | undefined;
  /** The loopback redirect inside the URL, if the method has one. */
  readonly callback: { readonly port: number; readonly path: string } | undefined;
}
