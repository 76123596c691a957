import { defineConfig } from '@sallyport/server';

import codex from './codex.config.ts';

/** Lets a prompt do without the sandbox of its CLI, to tell it from the machine's. */
export default defineConfig({ ...codex, ceiling: { tools: 'full' } });
