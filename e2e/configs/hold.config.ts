import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';
import { createHoldPlugin } from './hold-plugin.ts';

/** The demo, with phases that last as long as a test wants. */
export default defineConfig({ ...demo, plugins: [createHoldPlugin(process.env['SALLYPORT_DATA_DIR'] ?? '')] });
