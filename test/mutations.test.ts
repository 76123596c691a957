import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const patches = readdirSync(join(root, 'test/mutations')).filter((name) => name.endsWith('.patch'));

it('there are mutations', () => {
  expect(patches.length).toBeGreaterThan(0);
});

it.each(patches)('%s applies to the sources, so that npm run mutate can try it', (name) => {
  execFileSync('git', ['apply', '--check', join('test/mutations', name)], { cwd: root });
});
