import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const names = await readdir(join(root, 'packages'));
const read = (...path: string[]): Promise<string> => readFile(join(root, ...path), 'utf8');

interface Packed {
  readonly name: string;
  readonly files: readonly { readonly path: string }[];
}

describe('the client', () => {
  it('weighs less than 10 kB', async () => {
    for (const entry of ['index.js', 'element.js']) {
      const built = await readFile(join(root, 'packages/client/dist', entry));
      expect(gzipSync(built).length, entry).toBeLessThan(10_000);
    }
  });

  it('loads the element from a path that the server has', async () => {
    const [path = ''] = /\/connect-element\/v\d+\.js/.exec(await read('packages/client/dist/element.js')) ?? [];
    expect(await read('packages/server/dist/web', path)).toMatch(/import.*export/s);
  });
});

describe('a package as npm packs it', () => {
  it.each(names)('%s has a description, a license and a README with its name', async (name) => {
    const manifest: Record<string, unknown> = JSON.parse(await read('packages', name, 'package.json'));
    expect(manifest).toMatchObject({
      license: 'Apache-2.0',
      description: expect.stringMatching(/^[A-Z].{10,}/),
      // The client also runs where Node 22 has not arrived yet.
      engines: { node: name === 'client' ? '>=20.0.0' : expect.stringContaining('22') },
    });
    expect((await read('packages', name, 'README.md')).split('\n')[0]).toBe(`# ${String(manifest['name'])}`);
    expect(await read('packages', name, 'LICENSE')).toBe(await read('LICENSE'));
  });

  it('holds its README, its license and its build, and no tests or sources', async () => {
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--workspaces', '--loglevel=error'];
    const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 });
    const answer: Packed[] | Record<string, Packed> = JSON.parse(stdout);
    const packed = Object.values(answer).filter(({ name }) => /^(@sallyport\/|create-)/.test(name));
    expect(packed.length).toBe(names.length);
    for (const { name, files } of packed) {
      const paths = files.map(({ path }) => path);
      expect(paths, name).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
      expect(
        paths.some((path) => path.startsWith('dist/')),
        name,
      ).toBe(true);
      const unwanted = paths.filter((path) => /^src\/|\.test\.|__fixtures__/.test(path));
      expect(
        unwanted.filter((path) => !path.startsWith('template/')),
        name,
      ).toEqual([]);
    }
  });
});
