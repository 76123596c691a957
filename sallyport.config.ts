import { defineConfig } from '@sallyport/server';

/** What `npm start` runs. See packages/server/src/config/config.ts for every setting. */
export default defineConfig({
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude', '@sallyport/provider-gemini'],
  // Claude Code is off until somebody has read its terms: docs/operate.md says what to look for in them. Whoever has,
  // and found that they allow what this server does, writes so here:
  // acceptedTerms: ['claude_code'],
});
