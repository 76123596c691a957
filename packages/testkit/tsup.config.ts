import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/vendors.ts', 'src/firecracker.ts'],
  format: ['esm'],
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'node22',
});
