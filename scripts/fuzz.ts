import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * `npm run fuzz [-- SEED]`: runs every test file that checks a property, with one seed in place of the fixed ones. Without
 * SEED the seed is random. A failure names the seed and ends with 1.
 */
const root = resolve(import.meta.dirname, '..');
const [asked, ...others] = process.argv.slice(2);
if (others.length > 0 || (asked !== undefined && !/^-?\d+$/.test(asked))) {
  console.error('Usage: npm run fuzz [-- SEED], where SEED is a whole number.');
  process.exit(2);
}
const seed = asked ?? String(randomInt(2 ** 31));
// The suite for providers checks properties in the name of its callers.
const files = globSync('{packages,examples}/*/src/**/*.test.ts', { cwd: root })
  .concat(globSync('test/**/*.test.ts', { cwd: root }))
  .filter((file) => !file.includes('node_modules'))
  .filter((file) => /\b(?:checkProperty|describeProvider)\(/.test(readFileSync(join(root, file), 'utf8')));

console.log(`Seed ${seed}, ${files.length} files. Repeat with: npm run fuzz -- ${seed}`);
const { status } = spawnSync(join(root, 'node_modules', '.bin', 'vitest'), ['run', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SALLYPORT_FUZZ_SEED: seed },
});
if (status !== 0) console.error(`Failed with seed ${seed}. Repeat with: npm run fuzz -- ${seed}`);
process.exitCode = status ?? 1;
