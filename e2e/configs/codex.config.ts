import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** The demo with one provider, so that there is one of everything on the page. */
export default defineConfig({
  ...demo,
  providers: ['@sallyport/provider-codex'],
  acceptedTerms: undefined,
});
