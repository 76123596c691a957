import { defineConfig } from '@sallyport/server';

import codex from './codex.config.ts';

/** A server on this computer that pages of one other origin, which the test chooses, may embed. */
const { PRODUCT_ORIGIN: product = '' } = process.env;

export default defineConfig({ ...codex, auth: {}, allowedOrigins: [product] });
