import { defineConfig } from '@sallyport/server';

import codex from './codex.config.ts';
import { createHoldPlugin } from './hold-plugin.ts';

/** A deployment for the users of a product, whose addresses the test chooses. */
const { PRODUCT_ORIGIN: product = '', SALLYPORT_DATA_DIR: dataDirectory = '' } = process.env;

export default defineConfig({
  ...codex,
  plugins: [createHoldPlugin(dataDirectory)],
  auth: {},
  allowedOrigins: [product],
  trustProxy: ['127.0.0.1'],
  connectLinks: { product: 'Acme', returnUrls: [`${product}/connected`] },
});
