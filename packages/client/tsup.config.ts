import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/element.ts'],
  format: ['esm'],
  platform: 'neutral',
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'es2022',
});
