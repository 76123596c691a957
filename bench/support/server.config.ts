import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { defineConfig } from '@sallyport/server';

/**
 * The server under measurement. The fake internet runs in the bench's own process, so that the vendor's work is
 * not counted as the server's; every machine leaves by the same route the bare CLI takes.
 */
export default defineConfig({
  providers: ['@sallyport/provider-codex'],
  egress: async () => {
    const folder = process.env['SALLYPORT_BENCH_FOLDER'] ?? '';
    const route = {
      socketPath: process.env['SALLYPORT_BENCH_ROUTE'] ?? '',
      certificateAuthority: await readFile(join(folder, 'ca.pem'), 'utf8'),
      close: async () => {},
    };
    return { name: 'bench', open: async () => route, reserve: async () => ({ ...route, assign: async () => route }) };
  },
});
