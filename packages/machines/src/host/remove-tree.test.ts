import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { removeTree } from './remove-tree.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-tree-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('removing a tree', () => {
  it('works where paths are longer than the kernel takes, and follows no link', async () => {
    const tree = join(folder, 'tree');
    const outside = join(folder, 'outside');
    const chain = Array.from({ length: 15 }, () => 'x'.repeat(200)).join('/');
    const place = join(folder, 'place');
    await mkdir(outside);
    await writeFile(join(outside, 'kept'), '');
    await mkdir(tree);
    // A program makes such a tree from inside. Here each round puts the tree at the end of a long path.
    for (let round = 0; round < 4; round += 1) {
      await symlink(outside, join(tree, 'link'));
      await writeFile(join(tree, 'file'), '');
      await mkdir(join(place, chain), { recursive: true });
      await rename(tree, join(place, chain, 'inner'));
      await rename(place, tree);
    }
    await removeTree(tree);
    expect(existsSync(tree)).toBe(false);
    expect(existsSync(join(outside, 'kept'))).toBe(true);
  });
});
