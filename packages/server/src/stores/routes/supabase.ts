import { createClient } from '@supabase/supabase-js';

import { SallyportError, type Secret } from '@sallyport/core';

import type { DatabaseRoute } from '../sql/database.ts';
import { toStoreError } from './supabase-error.ts';

export interface SupabaseRouteOptions {
  /** Of the project, such as `https://abcdefgh.supabase.co`. */
  readonly url: string;
  /** Key of the role that the grants of the schema name: `service_role`, or a secret key. Never the publishable one. */
  readonly key: Secret;
}

/** Every wait for the database ends: a caller gets STORE_UNAVAILABLE instead of hanging. */
const TIMEOUT_MS = 20_000;

/** Calls the functions through PostgREST, as supabase-js does: each call is one transaction. */
export function openSupabaseRoute({ url, key }: SupabaseRouteOptions): DatabaseRoute {
  const client = createClient(url, key.reveal(), {
    db: { schema: 'sallyport' },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  const closing = new AbortController();
  return {
    call: async (name, args) => {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const { data, error, status } = await client.rpc(name, args).abortSignal(signal);
      if (error) throw toStoreError(error, status);
      return data;
    },
    close: async () => closing.abort(new SallyportError('STORE_UNAVAILABLE', 'The store has been closed.')),
  };
}
