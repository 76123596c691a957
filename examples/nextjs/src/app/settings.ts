export interface Settings {
  /** Origin of the Sallyport server. */
  readonly server: string;
  /** An API key with the role `service`. It never leaves the backend. */
  readonly key: string;
  /** Origin of this app's pages, one of the server's `allowedOrigins`. */
  readonly origin: string;
}

/** Read on each request, so that one build serves every deployment. */
export function settings(): Settings {
  return {
    server: process.env['SALLYPORT_URL'] ?? 'http://127.0.0.1:4000',
    key: process.env['SALLYPORT_KEY'] ?? '',
    origin: process.env['PRODUCT_ORIGIN'] ?? 'http://localhost:3000',
  };
}
