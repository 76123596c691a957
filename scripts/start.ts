import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

/**
 * `npm start`: builds what is stale, then becomes the server. Arguments go to the `sallyport` command;
 * `--demo` chooses the configuration whose vendor is fake. The npm script `exec`s this: npm hands
 * signals to the shell alone, which would leave the server behind.
 */
const root = resolve(import.meta.dirname, '..');
process.chdir(root);
const build = spawnSync(join(root, 'node_modules', '.bin', 'turbo'), ['run', 'build', '--output-logs=errors-only'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
});
if (build.status !== 0) {
  console.error('The build failed. Run `npm run build` to see why.');
  process.exit(build.status ?? 1);
}
const entry: string = join(root, 'packages', 'server', 'dist', 'main.js');
await import(entry);
