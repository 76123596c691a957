import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const names = await readdir(join(root, 'packages'));
const read = (...path: string[]): Promise<string> => readFile(join(root, ...path), 'utf8');

const releaseSchema = z.object({
  fixed: z.array(z.array(z.string())),
  ignore: z.array(z.string()),
  access: z.string(),
});
const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ link: z.boolean().optional(), resolved: z.string().optional() })),
});
const manifestSchema = z.object({ name: z.string(), version: z.string(), private: z.boolean().default(false) });

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
  it.each(names)('%s has a description, a license, a list of files and a README with its name', async (name) => {
    const manifest: Record<string, unknown> = JSON.parse(await read('packages', name, 'package.json'));
    expect(manifest).toMatchObject({
      license: 'Apache-2.0',
      description: expect.stringMatching(/^[A-Z].{10,}/),
      files: expect.arrayContaining(['dist']),
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

describe('a release', () => {
  const covers = (pattern: string, name: string): boolean =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

  it('gives every public package the same version, and leaves out every private one', async () => {
    const { fixed, ignore, access } = releaseSchema.parse(JSON.parse(await read('.changeset/config.json')));
    expect(access).toBe('public');
    expect(fixed.length).toBe(1);
    const lock = lockSchema.parse(JSON.parse(await read('package-lock.json')));
    const directories = Object.values(lock.packages).flatMap(({ link, resolved }) =>
      link && resolved ? resolved : [],
    );
    expect(directories).toEqual(expect.arrayContaining(names.map((name) => `packages/${name}`)));
    const versions = new Set<string>();
    for (const directory of directories) {
      const manifest = manifestSchema.parse(JSON.parse(await read(directory, 'package.json')));
      const is = (patterns: readonly string[]) => patterns.some((pattern) => covers(pattern, manifest.name));
      const isPublic = directory.startsWith('packages/');
      if (isPublic) versions.add(manifest.version);
      expect({ directory, isPublic: !manifest.private, isReleased: is(fixed.flat()), isIgnored: is(ignore) }).toEqual({
        directory,
        isPublic,
        isReleased: isPublic,
        isIgnored: !isPublic,
      });
    }
    expect(versions.size).toBe(1);
  });
});
