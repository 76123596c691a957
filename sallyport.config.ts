import { defineConfig } from '@sallyport/server';

/** What `npm start` runs. See packages/server/src/config/config.ts for every setting. */
export default defineConfig({
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude', '@sallyport/provider-gemini'],
  // Claude Code is off until you have read its terms: docs/operate.md says what to look for in them. If
  // they allow what this server does, write so here:
  // acceptedTerms: ['claude_code'],
});
