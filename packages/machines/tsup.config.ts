import { defineConfig } from 'tsup';

export default defineConfig({
  // The second is a program: one file, started inside the network of virtual machines.
  entry: { index: 'src/index.ts', 'network-helper': 'src/network/helper/main.ts' },
  splitting: false,
  format: ['esm'],
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'node22',
});
