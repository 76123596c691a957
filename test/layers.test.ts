import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { importsOf } from './setup/source-imports.ts';
import type { ImportedModule } from './setup/source-imports.ts';

/**
 * The directories of each layered package, lowest first. A file imports from its own directory and from those before
 * it, in types too. Files at the top of a package are its entry points and may import all of them.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [
    'base',
    'contracts',
    'provider',
    'rpc',
    'protocol',
    'login-engine',
    'credentials',
    'redaction',
    'store',
    'hooks',
    'admission',
    'runtime',
    'machine',
    'browser-machine',
    'custody',
    'cli-machine',
    'login',
    'prompts',
    'app',
  ],
  machines: [
    'host',
    'loopback',
    'egress',
    'cli',
    'network',
    'agent-client',
    'images',
    'guest',
    'process',
    'disk',
    'qemu',
    'firecracker',
  ],
  server: [
    'host',
    'auth',
    'connect-links',
    'data-directory',
    'postgres',
    'stores',
    'backup',
    'desktop',
    'http',
    'web',
    'presets',
    'config',
    'bare-machines',
    'capacity',
    'persistence',
    'verify',
    'own-computer',
    'app',
    'commands',
  ],
};

/** Imports of a higher directory that are wanted, each with its reason. */
const listed: Readonly<
  Record<string, readonly { readonly from: string; readonly to: string; readonly why: string }[]>
> = {
  core: [
    { from: 'contracts', to: 'provider', why: 'a contract names types that a schema of the manifest defines' },
    { from: 'contracts', to: 'protocol', why: 'a contract names types that a schema of the agent API defines' },
  ],
  machines: [],
  server: [{ from: 'config', to: 'capacity', why: 'the default of a setting is an eighth of this host' }],
};

const root = resolve(import.meta.dirname, '..');

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly at: ImportedModule;
}

async function edgesOf(packageName: string): Promise<readonly Edge[]> {
  const source = join(root, 'packages', packageName, 'src');
  const directoryOf = (path: string): string => relative(source, path).split('/').slice(0, -1)[0] ?? '';
  return (await importsOf(packageName))
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((at) => ({ from: directoryOf(at.file), to: directoryOf(resolve(dirname(at.file), at.specifier)), at }))
    .filter(({ from, to }) => from !== '' && from !== to);
}

describe.each(Object.entries(layers))('the layers of packages/%s', (packageName, order) => {
  const exceptions = listed[packageName] ?? [];
  const isListed = (edge: Edge): boolean => exceptions.some(({ from, to }) => edge.from === from && edge.to === to);

  it('name every directory', async () => {
    const files = await readdir(join(root, 'packages', packageName, 'src'), { recursive: true });
    const directories = new Set(files.filter((name) => /\/.*\.ts$/.test(name)).map((name) => name.split('/')[0] ?? ''));
    expect([...directories].toSorted()).toEqual(order.toSorted());
  });

  const upwardIn = (edges: readonly Edge[]): readonly Edge[] =>
    edges.filter((edge) => order.indexOf(edge.to) > order.indexOf(edge.from) && !isListed(edge));

  it('are imported downward only', async () => {
    const edges = await edgesOf(packageName);
    const upward = upwardIn(edges);
    expect(upward.map(({ at }) => `${relative(root, at.file)} imports ${at.specifier}`)).toEqual([]);
    // An exception that nothing needs any more is taken from the list.
    expect(exceptions.filter(({ from, to }) => !edges.some((edge) => edge.from === from && edge.to === to))).toEqual(
      [],
    );
  });
});

it('contracts of core are named in types alone where they name what is above them', async () => {
  const loaded = (await edgesOf('core')).filter(
    ({ from, to, at }) => from === 'contracts' && to !== 'base' && !at.typeOnly,
  );
  expect(loaded.map(({ at }) => `${relative(root, at.file)} imports ${at.specifier}`)).toEqual([]);
});
