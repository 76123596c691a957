import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm'],
  platform: 'neutral',
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'es2022',
});
