import { defineConfig } from 'tsup';

export default defineConfig([
  {
    entry: ['src/index.ts', 'src/presets.ts', 'src/main.ts'],
    format: ['esm'],
    dts: false,
    sourcemap: true,
    // The page is built at the same time, by the second part.
    clean: ['!web', '!web/**'],
    target: 'node22',
  },
  {
    entry: {
      page: 'src/web/page.ts',
      viewer: 'src/web/viewer.ts',
      'connect-element': 'src/web/connect-element.ts',
      'connect-element/v1': 'src/web/connect-element-v1.ts',
      connect: 'src/web/connect.ts',
    },
    outDir: 'dist/web',
    publicDir: 'src/web/public',
    format: ['esm'],
    platform: 'browser',
    // noVNC has a top-level await, which older targets refuse.
    target: 'es2022',
    tsconfig: 'src/web/tsconfig.json',
    noExternal: [/./],
    splitting: true,
    minify: true,
    dts: false,
    sourcemap: false,
    clean: true,
  },
]);
