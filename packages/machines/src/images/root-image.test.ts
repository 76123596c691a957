import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { guestDirectory } from './guest-directory.ts';
import { parsePackages, progressOf, quote, rootImage } from './root-image.ts';

const scripts = readdirSync(guestDirectory, { recursive: true, encoding: 'utf8' })
  .map((name) => join(guestDirectory, name))
  .filter((path) => statSync(path).isFile() && /^#!.*\bsh$/m.test(readFileSync(path, 'utf8').split('\n')[0] ?? ''));

describe("the guests' own files", () => {
  it.each(scripts.map((path) => [path.slice(guestDirectory.length + 1), path]))(
    '%s is a script that runs',
    (_, path) => {
      expect(statSync(path).mode & 0o111).not.toBe(0);
      execFileSync('sh', ['-n', path]);
    },
  );

  it('are several', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(6);
  });

  it('are part of the package', () => {
    const manifest: { files?: readonly string[] } = JSON.parse(
      readFileSync(join(guestDirectory, '..', 'package.json'), 'utf8'),
    );
    expect(manifest.files).toContain('guest');
  });
});

describe('the inputs of a root image', () => {
  const cli = { package: 'a-cli', version: '1.0.0', lockfile: '{}', bin: {}, env: {}, settings: [], hiddenInWork: [] };
  const directory = () => Promise.reject(new Error('Nothing is installed to find out.'));

  it('change with the kind, with Node and with each CLI, and with nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-inputs-'));
    try {
      const [node, otherNode] = [join(folder, 'node'), join(folder, 'other')];
      writeFileSync(node, 'a');
      writeFileSync(otherNode, 'b');
      const clis = [
        { provider: 'one', cli, directory },
        { provider: 'two', cli, directory },
      ];
      const plain = { kind: 'cli', node, clis } as const;
      const inputs = async (options: Parameters<typeof rootImage>[0]): Promise<string> =>
        (await rootImage(options)).inputs;
      const first = await inputs(plain);
      expect(await inputs({ ...plain, clis: clis.toReversed() })).toBe(first);
      const others = await Promise.all([
        inputs({ ...plain, kind: 'browser' }),
        inputs({ ...plain, node: otherNode }),
        inputs({ ...plain, clis: [] }),
        inputs({ ...plain, clis: [{ provider: 'one', cli: { ...cli, lockfile: '{ }' }, directory }] }),
      ]);
      expect(new Set([first, ...others]).size).toBe(5);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what mmdebstrap prints', () => {
  it.each([
    ['I: downloading packages with apt...', 'Downloading packages with apt.'],
    ["I: running special hook: sync-in '/data/clis/x' '/opt/cli/codex'", 'Copying /opt/cli/codex.'],
    ["I: running --customize-hook in shell: sh -c ''/x/finish-image' \"$1\"' exec /tmp/m", 'Writing the image.'],
    ['I: using /tmp/mmdebstrap.x as tempdir', undefined],
    ['W: something', undefined],
  ])('%s', (line, told) => {
    expect(progressOf(line)).toBe(told);
  });

  it('is a bill of materials at the end', () => {
    expect(parsePackages('bash\t5.2-1\tamd64\nca-certificates\t2023\tall\n')).toEqual([
      { name: 'bash', version: '5.2-1', architecture: 'amd64' },
      { name: 'ca-certificates', version: '2023', architecture: 'all' },
    ]);
  });
});

it('quotes any path for a shell', () => {
  const path = `/a b/it's "$HOME"`;
  expect(execFileSync('sh', ['-c', `printf %s ${quote(path)}`], { encoding: 'utf8' })).toBe(path);
});
