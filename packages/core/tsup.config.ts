import { defineConfig } from 'tsup';

export default defineConfig({
  // The entry points of package.json. What two of them export is in a chunk of both, so there is one class of errors.
  entry: ['index', 'provider', 'driver', 'egress', 'store', 'key-ring', 'protocol', 'engine'].map(
    (name) => `src/${name}.ts`,
  ),
  format: ['esm'],
  dts: false,
  sourcemap: true,
  clean: true,
  target: 'node22',
});
