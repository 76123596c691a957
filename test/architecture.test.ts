import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { importsIn, importsOf, importsOfText } from './setup/source-imports.ts';

/**
 * The import table of docs/architecture.md, read from real import specifiers. A pattern ending in `/` allows
 * everything below it.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  // Runs in browsers and at the edge: nothing of Node, and nothing to install.
  client: [],
  core: ['tapable', 'zod', 're2js', 'node:crypto', 'node:util', 'node:stream'],
  machines: [...entriesOfCore('driver', 'egress', 'protocol', 'provider'), 'execa', 'socks', 'node:'],
  agent: [...entriesOfCore('engine', 'protocol', 'provider'), 'node-pty', '@xterm/headless', 'ws', 'zod', 'node:'],
  'provider-claude': entriesOfCore('provider'),
  'provider-codex': entriesOfCore('provider'),
  'provider-gemini': entriesOfCore('provider'),
  'create-sallyport-provider': [...entriesOfCore('provider'), 'node:fs/', 'node:path', 'node:url'],
  server: [
    ...entriesOfCore('driver', 'egress', 'engine', 'key-ring', 'protocol', 'provider', 'store'),
    '@sallyport/machines',
    // For the page, and for `sallyport credentials import`. Both are built with it.
    '@sallyport/client',
    '@sallyport/client/element',
    // Where the built agent lies, and nothing else: see below.
    '@sallyport/agent',
    'fastify',
    '@fastify/',
    'fastify-type-provider-zod',
    'jose',
    '@supabase/supabase-js',
    'pg',
    'pg-copy-streams',
    'commander',
    'pino',
    'prom-client',
    'zod',
    '@novnc/novnc',
    'node:',
  ],
  testkit: [
    ...entriesOfCore('driver', 'egress', 'engine', 'protocol', 'provider', 'store'),
    '@sallyport/agent/terminal',
    '@peculiar/x509',
    'fast-check',
    'reflect-metadata',
    'zod',
    'node:',
  ],
};

/** Core itself and, of its other entry points, those that are named. */
function entriesOfCore(...names: readonly string[]): readonly string[] {
  return ['@sallyport/core', ...names.map((name) => `@sallyport/core/${name}`)];
}

/** Modules that core may name in types but never load. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { core: ['node:stream'] };

const root = resolve(import.meta.dirname, '..');

function isAllowed(specifier: string, patterns: readonly string[]): boolean {
  return patterns.some(
    (pattern) =>
      specifier === pattern || ((pattern.endsWith('/') || pattern.endsWith(':')) && specifier.startsWith(pattern)),
  );
}

describe('the import table', () => {
  for (const [packageName, patterns] of Object.entries(allowed)) {
    it(`holds for packages/${packageName}`, async () => {
      const imports = await importsOf(packageName);
      expect(imports.length).toBeGreaterThan(0);
      const broken = imports
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .filter(
          ({ specifier, typeOnly }) =>
            !isAllowed(specifier, patterns) || (!typeOnly && (typesOnly[packageName] ?? []).includes(specifier)),
        );
      expect(broken.map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)).toEqual([]);
    });

    it(`keeps relative imports of packages/${packageName} inside the package`, async () => {
      const home = join(root, 'packages', packageName, 'src');
      const outside = (await importsOf(packageName))
        .filter(({ specifier }) => specifier.startsWith('.'))
        .filter(({ file, specifier }) => !resolve(dirname(file), specifier).startsWith(home));
      expect(outside.map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`)).toEqual([]);
    });
  }

  it('covers every package', async () => {
    expect((await readdir(join(root, 'packages'))).toSorted()).toEqual(Object.keys(allowed).toSorted());
  });

  it('sees an import that is not allowed', () => {
    expect(isAllowed('node:child_process', allowed['core'] ?? [])).toBe(false);
    expect(isAllowed('@sallyport/server', allowed['machines'] ?? [])).toBe(false);
    expect(isAllowed('@sallyport/agent', allowed['testkit'] ?? [])).toBe(false);
  });

  it.each([
    "import { spawn } from 'node:child_process';",
    "export * from 'node:child_process';",
    "const { spawn } = await import('node:child_process');",
    "const { spawn } = process.getBuiltinModule('node:child_process');",
    "const { spawn } = createRequire(import.meta.url)('x'); require('node:child_process');",
  ])('sees what is loaded by %s', (line) => {
    expect(importsOfText('a.ts', line)).toContainEqual(
      expect.objectContaining({ specifier: 'node:child_process', typeOnly: false }),
    );
  });
});

describe('the examples', () => {
  const provider = {
    files: ['@sallyport/core/provider'],
    tests: ['@sallyport/testkit', '@sallyport/testkit/vendors', 'vitest', 'node:'],
  };
  const strangers = {
    'examples/custom-provider': provider,
    'examples/custom-driver': {
      files: [...entriesOfCore('driver'), 'node:'],
      tests: [
        ...entriesOfCore('driver'),
        '@sallyport/agent',
        '@sallyport/machines',
        '@sallyport/testkit',
        'vitest',
        'node:',
      ],
    },
    'packages/create-sallyport-provider/template': provider,
    'examples/embed': { files: ['@sallyport/client', 'node:'], tests: [] },
    'examples/library': {
      files: ['@sallyport/core', '@sallyport/provider-codex', '@sallyport/server/presets', 'node:'],
      tests: ['@sallyport/core', '@sallyport/server/presets', '@sallyport/testkit', 'vitest', 'node:'],
    },
    'examples/nextjs': { files: ['next', 'next/', 'react', '../settings'], tests: [] },
    'examples/supabase': {
      files: ['@sallyport/client', '@sallyport/client/element', '@supabase/supabase-js'],
      tests: [],
    },
    'examples/webhook': {
      files: ['@sallyport/core', 'node:'],
      tests: ['@sallyport/core', '@sallyport/testkit', 'standardwebhooks', 'vitest', 'node:'],
    },
  };

  it.each(Object.entries(strangers))('import what a stranger has, in %s', async (folder, own) => {
    const source = join(root, folder, 'src');
    const names = await readdir(source, { recursive: true });
    const isTest = (name: string): boolean => name.endsWith('.test.ts') || name.startsWith('__fixtures__');
    const foreign = (among: readonly string[], patterns: readonly string[]): readonly string[] =>
      among
        .filter((name) => /\.tsx?$/.test(name))
        .flatMap((name) => importsIn(join(source, name)))
        .filter(({ specifier }) => !specifier.startsWith('./') && !isAllowed(specifier, patterns))
        .map(({ file, specifier }) => `${relative(root, file)} imports ${specifier}`);
    expect(
      foreign(
        names.filter((name) => !isTest(name)),
        own.files,
      ),
    ).toEqual([]);
    expect(foreign(names.filter(isTest), own.tests)).toEqual([]);
  });

  it('are all held to that', async () => {
    const examples = (await readdir(join(root, 'examples'))).map((name) => `examples/${name}`);
    expect(examples.filter((example) => !Object.hasOwn(strangers, example))).toEqual([]);
  });

  it('show a whole provider in less than 80 lines', () => {
    const lines = ['index.ts', 'manifest.ts', 'parse-output.ts'].flatMap((name) =>
      readFileSync(join(root, 'examples/custom-provider/src', name), 'utf8')
        .replaceAll(/^import [^;]*;/gm, '')
        .split('\n'),
    );
    const code = lines.filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line));
    expect(code.length).toBeGreaterThan(40);
    expect(code.length).toBeLessThan(80);
  });
});

describe('the presets of the server', () => {
  const entry = join(root, 'packages/server/src/presets.ts');

  it('load no more than a script needs: no fastify, and nothing of the HTTP API', () => {
    const loaded = new Set<string>();
    const files = [entry];
    for (const file of files) {
      for (const { specifier, typeOnly } of importsIn(file)) {
        if (typeOnly) continue;
        const path = resolve(dirname(file), specifier);
        if (!specifier.startsWith('.')) loaded.add(specifier);
        else if (!files.includes(path)) files.push(path);
      }
    }
    const patterns = [
      ...entriesOfCore('driver', 'egress', 'key-ring', 'store'),
      '@sallyport/agent',
      '@sallyport/machines',
      'pg',
      'pg-copy-streams',
      'zod',
      'node:',
    ];
    expect([...loaded].filter((specifier) => !isAllowed(specifier, patterns))).toEqual([]);
    expect(files.filter((file) => /\/src\/(app|commands|config|http|verify|web)\//.test(file))).toEqual([]);
    expect(files.length).toBeGreaterThan(10);
  });

  it('load no fastify once they are built', async () => {
    const program = `
      const { registerHooks } = await import('node:module');
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { openHostPreset } = await import('@sallyport/server/presets');
      console.log(JSON.stringify({ loaded, kind: typeof openHostPreset }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: join(root, 'examples/library'),
      env: {},
      maxBuffer: 16 * 1024 * 1024,
    });
    const { loaded, kind }: { loaded: string[]; kind: string } = JSON.parse(stdout);
    expect(kind).toBe('function');
    expect(loaded.filter((url) => url.endsWith('/packages/server/dist/presets.js'))).toHaveLength(1);
    expect(loaded.filter((url) => /\/node_modules\/@?fastify\b/.test(url))).toEqual([]);
  });
});

describe('custody', () => {
  it('alone leases credentials, gives them back, ends them, and notes what is on a disk', async () => {
    const source = join(root, 'packages/core/src');
    const moving =
      /\bledger\.(release|giveBack|markInvalid)\(|\bmachines\.noteInjected\(|\bmachines\.update\([^)]*injected/;
    const files = (await readdir(source, { recursive: true })).filter(
      (name) =>
        name.endsWith('.ts') && !name.endsWith('.test.ts') && moving.test(readFileSync(join(source, name), 'utf8')),
    );
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((name) => !name.startsWith('custody/'))).toEqual([]);
  });
});

describe('the server', () => {
  it('knows of the agent only where its bundle lies', async () => {
    const index = join(root, 'packages/agent/src/index.ts');
    expect(importsIn(index).map(({ specifier }) => specifier)).toEqual([
      'node:fs',
      'node:path',
      'node:url',
      '@sallyport/core',
      '@sallyport/core/engine',
    ]);
    expect(readFileSync(index, 'utf8').match(/^export .*/gm)).toEqual(['export function agentBundle(): AgentBundle {']);
  });

  it('does not know the providers by name', async () => {
    const source = join(root, 'packages', 'server', 'src');
    const files = (await readdir(source, { recursive: true })).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
    );
    const naming = files.filter((name) =>
      /['"](codex|claude_code|gemini_cli)['"]|provider-(codex|claude|gemini)/.test(
        // A comment may show an example.
        readFileSync(join(source, name), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/ .*/g, ''),
      ),
    );
    expect(naming).toEqual([]);
  });
});

/**
 * A guest's file system is untrusted data, and a kernel that mounts it parses that data. This tree mounts only its own
 * directories on this host, each of them named here.
 */
describe('a disk that a guest has written', () => {
  /** The commands, by name or in a script, and tools that do it in another way or make links of a guest on this host. */
  const mounting =
    /(^|[^.\w-])u?mount(['"`]|\s+[-"'$/])|\b(losetup|loop-control|qemu-nbd|nbd-client|kpartx|guestmount|fuse2fs|rdump)\b/;
  const known: Readonly<Record<string, readonly string[]>> = {
    // In its own mount namespace: memory, and directories of this host.
    'packages/machines/src/process/bubblewrap.ts': [
      'mount -t tmpfs -o mode=0755,size=64k,nr_inodes=256,nosuid,nodev tmpfs "$stage"',
      'mount --bind -- "$1" "$stage/$i"',
    ],
    'packages/machines/src/process/reveal.ts': [
      'mount -t tmpfs -o mode=0700,size=64k,nr_inodes=256,nosuid,nodev tmpfs "$stage"',
      'mount --bind -- "$path" "$stage/$n"',
      'mount -t tmpfs -o mode=0711,size=64k,nr_inodes=1024,nosuid,nodev tmpfs "$1"',
      'mount --bind -- "$stage/$n" "$1"',
      'umount --recursive --lazy "$stage"',
      "const script = 'mount -t tmpfs tmpfs /mnt && umount /mnt';",
    ],
    // The same, for the one device that a machine's QEMU opens itself.
    'packages/machines/src/qemu/launch.ts': ['mount -t tmpfs -o mode=755,size=64k,nosuid,noexec tmpfs /dev/net'],
    // The same, for the programs and directories of the embedded PostgreSQL.
    'packages/server/src/postgres/launcher.ts': [
      'mount -t tmpfs -o mode=0755,size=64k,nr_inodes=16,nosuid,nodev tmpfs ${stage}',
      'mount --bind -- "$1" /etc/passwd',
      'mount --bind -- "$1" "${stage}/$number"',
    ],
    // In a guest, of memory.
    'e2e/machines/vsock-guest/pretend-device': ['/bin/busybox mount -t tmpfs -o mode=755 tmpfs "$devices"'],
    // While an image is built, of the tree it is built from, and of memory: no guest has run yet.
    'packages/machines/guest/finish-image': [
      'mount --bind "$tree" "$view"',
      'trap \'umount -R "$view"; rmdir "$view"\' EXIT',
      'mount -t tmpfs -o mode=0755 tmpfs "$view/dev"',
      'mount -t tmpfs -o mode=1777 tmpfs "$view/tmp"',
    ],
    // Reads out the disk that this very fixture has filled, in a directory that only its test sees.
    'packages/machines/src/firecracker/__fixtures__/fake-guest.ts': [
      "await execa('debugfs', ['-R', `rdump /upper ${folder}`, own]);",
      "await execa('debugfs', ['-R', `rdump / ${drive}`, agentDrive]);",
    ],
    // In its own mount namespace, over one file of this host.
    'e2e/machines/isolation-world.ts': ["await run('mount', ['--bind', resolver, '/etc/resolv.conf']);"],
    'test/fail-closed.test.ts': ['mount --make-rprivate /', 'mount --bind "$1" /etc/resolv.conf'],
    // The same, over files that say who is a user, and of this repository.
    'e2e/long/rootless-image.e2e.ts': ['mount --bind "$1/$name" /etc/$name', 'mount --bind "$2" "$3"'],
  };
  // What runs in a guest mounts the guest's own disks.
  const inGuests = /^packages\/machines\/guest\/(common|browser|initrd)\//;

  async function mountingLines(): Promise<Readonly<Record<string, readonly string[]>>> {
    const found: Record<string, string[]> = {};
    for (const folder of ['packages', 'scripts', 'test', 'e2e', 'bench', 'examples']) {
      for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
        const path = relative(root, join(entry.parentPath, entry.name));
        if (!entry.isFile() || /(^|\/)(node_modules|dist|out|web)\/|\.(json|md|config)$/.test(path)) continue;
        if (inGuests.test(path) || path === 'test/architecture.test.ts') continue;
        const lines = readFileSync(join(root, path), 'utf8')
          .split('\n')
          .map((line) => line.trim());
        const hits = lines.filter((line) => mounting.test(line) && !/^(\/\/|\/?\*|#)/.test(line));
        if (hits.length > 0) found[path] = hits;
      }
    }
    return found;
  }

  it('is mounted nowhere on this host', async () => {
    expect(await mountingLines()).toEqual(known);
  });

  it('would be seen', () => {
    for (const line of [
      'mount -o loop disk /mnt',
      "execa('mount', [disk, folder])",
      'sudo umount "$1"',
      "runTool({ file: 'losetup' })",
      '`rdump ${path} ${folder}`',
    ]) {
      expect(mounting.test(line), line).toBe(true);
    }
    expect(mounting.test('readonly mount: string;')).toBe(false);
  });
});
