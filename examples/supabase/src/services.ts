import { createSallyport } from '@sallyport/client';
import { createClient } from '@supabase/supabase-js';

import type { Database } from './database.ts';

const { VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY, VITE_SALLYPORT_URL, VITE_SALLYPORT_PROVIDER } = import.meta
  .env;

export const provider = VITE_SALLYPORT_PROVIDER ?? 'codex';
export const sallyportUrl = VITE_SALLYPORT_URL;

/** The client that your product has already. */
export const supabase = createClient<Database>(VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY);

/** The user's own JWT, which supabase-js refreshes before it expires. Without a session, both services answer 401. */
export async function accessToken(): Promise<string> {
  const { data, error } = await supabase.auth.getSession();
  if (error) throw error;
  return data.session?.access_token ?? '';
}

export const sallyport = createSallyport({ baseUrl: sallyportUrl, token: accessToken });
