import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** The demo, for users who walk away. */
export default defineConfig({ ...demo, providers: ['./impatient-codex.ts'], acceptedTerms: undefined });
