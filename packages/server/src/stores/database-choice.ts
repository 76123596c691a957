import type { Secret } from '@sallyport/core';

/** Where the server keeps its rows. */
export type DatabaseChoice =
  /** The embedded PostgreSQL, in the data directory. */
  | { readonly kind: 'embedded' }
  /** The operator's PostgreSQL. The URL holds a password. */
  | { readonly kind: 'postgres'; readonly url: Secret }
  /** A Supabase project, through its PostgREST. */
  | { readonly kind: 'supabase'; readonly url: string; readonly key: Secret };
