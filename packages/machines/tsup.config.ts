import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    // A program, started inside the network of virtual machines.
    'network-helper': 'src/network/helper/main.ts',
    // A thread.
    'hash-worker': 'src/host/hashing/worker.ts',
  },
  splitting: false,
  format: ['esm'],
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'node22',
});
