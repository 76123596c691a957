import { defineConfig } from '@sallyport/server';

import codex from './codex.config.ts';

/** Logins are refreshed as early as may be: when half of an access token's life is over. */
export default defineConfig({ ...codex, keepAliveMinutes: 1440 });
