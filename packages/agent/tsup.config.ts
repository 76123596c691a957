import { cp, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { defineConfig } from 'tsup';

const shared = { format: ['esm' as const], dts: false, sourcemap: true, target: 'node22' };

export default defineConfig([
  { ...shared, entry: { index: 'src/index.ts', 'terminal/index': 'src/terminal/index.ts' } },
  {
    ...shared,
    // The programs: one file each, so that a machine needs this directory and Node, and nothing else.
    entry: { main: 'src/main.ts', record: 'src/transcript/main.ts' },
    outDir: 'dist/agent',
    splitting: false,
    // `external` would lose against `noExternal`, so the native module is left out by the pattern.
    noExternal: [/^(?!node-pty$).*/],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    esbuildOptions: (options) => {
      options.conditions = ['@sallyport/source'];
    },
    onSuccess: copyTerminalModule,
  },
]);

/** node-pty and its prebuilt binary for this computer, put beside the program. */
async function copyTerminalModule(): Promise<void> {
  const require = createRequire(import.meta.url);
  const terminal = dirname(require.resolve('node-pty/package.json'));
  const prebuilt = `@lydell/node-pty-${process.platform}-${process.arch}`;
  const binary = dirname(createRequire(join(terminal, 'index.js')).resolve(`${prebuilt}/package.json`));
  const modules = join('dist', 'agent', 'node_modules');
  await cp(terminal, join(modules, 'node-pty'), { recursive: true, dereference: true });
  await cp(binary, join(modules, prebuilt), { recursive: true, dereference: true });
  // Says what kind of file main.js is, wherever the directory is shown.
  await writeFile(join('dist', 'agent', 'package.json'), '{ "type": "module" }\n');
}
