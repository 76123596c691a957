import { defineConfig } from '@sallyport/server';

import fakeCli from './fake-cli.config.ts';

/** A server for the users of a Supabase project, called by pages of one other origin. */
const { SUPABASE_PROJECT: url = '', PRODUCT_ORIGIN: product = '' } = process.env;

export default defineConfig({
  ...fakeCli,
  auth: { signIn: [{ kind: 'supabase', url }] },
  allowedOrigins: [product],
});
