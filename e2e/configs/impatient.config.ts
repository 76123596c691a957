import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** The demo, for people who walk away. */
export default defineConfig({ ...demo, providers: ['./impatient-codex.ts'], iHaveReadTheTermsOf: undefined });
