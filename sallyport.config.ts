import { defineConfig } from '@sallyport/server';

/** What `npm start` runs. See packages/server/src/config.ts for every setting. */
export default defineConfig({
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude', '@sallyport/provider-gemini'],
});
