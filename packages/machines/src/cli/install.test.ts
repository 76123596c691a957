import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { manifestSchema } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliInstaller } from './install.ts';
import type { PinnedCli } from './lockfile.ts';
import { npmSandbox } from './npm-sandbox.ts';

let root: string;
let npm: string;
const sandbox = await npmSandbox();
/** What the scripts that stand for npm here write would stay in it; see npm-sandbox.test.ts. */
const none = { reason: 'it is switched off' };
const quiet = { signal: new AbortController().signal, onProgress: () => {} };
const bin = 'node_modules/fake-cli/bin/fake';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-cli-'));
  npm = join(root, 'npm');
  useNpm(`
    echo x >> ${root}/runs
    env > ${root}/environment
    echo "$@" > ${root}/arguments
    sleep 0.1
    echo "npm http fetch GET 200 https://registry.test/fake-cli/-/fake-cli-1.2.3.tgz 10ms" >&2
    mkdir -p node_modules/fake-cli/bin
    echo '#!/bin/sh' > ${bin}
    chmod 700 ${bin}`);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  delete process.env['CANARY_FOR_NPM'];
  delete process.env['npm_config_registry'];
});

function useNpm(script: string): void {
  writeFileSync(npm, `#!/bin/sh\n${script}\n`);
  chmodSync(npm, 0o755);
}

function runs(): number {
  return existsSync(join(root, 'runs')) ? readFileSync(join(root, 'runs'), 'utf8').length / 2 : 0;
}

interface Changes {
  readonly locked?: object;
  readonly bin?: Record<string, string | string[]>;
}

function pinned(changes: Changes = {}): PinnedCli {
  const locked = { version: '1.2.3', integrity: `sha512-${'A'.repeat(86)}==`, ...changes.locked };
  const lockfile = {
    lockfileVersion: 3,
    packages: { '': { dependencies: { 'fake-cli': '1.2.3' } }, 'node_modules/fake-cli': locked },
  };
  // As from a release that has not been through the schema: the installer checks for itself.
  const cli = manifestSchema.shape.cli.parse({
    package: 'fake-cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: changes.bin ?? { 'linux-x64': bin, 'linux-arm64': bin, 'darwin-arm64': bin, 'darwin-x64': bin },
  });
  return { ...cli, lockfile: JSON.stringify(lockfile) };
}

describe('the CLI installer', () => {
  it('installs the pinned version once, readable by every user, and finds it later without npm', async () => {
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    const told: (number | undefined)[] = [];
    const directory = await installer.ensure(pinned(), 'fake', {
      ...quiet,
      onProgress: (_message, fraction) => void told.push(fraction),
    });
    expect(told).toEqual([undefined, 0.95]);
    expect(statSync(join(directory, bin)).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(root, 'arguments'), 'utf8')).toContain('ci --ignore-scripts');
    expect(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).dependencies).toEqual({
      'fake-cli': '1.2.3',
    });
    rmSync(npm);
    expect(
      await createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none }).ensure(pinned(), 'fake', quiet),
    ).toBe(directory);
    expect(runs()).toBe(1);
    expect(readdirSync(join(root, 'clis')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it("gives npm the operator's registry settings and nothing else of the environment", async () => {
    process.env['CANARY_FOR_NPM'] = 'canary-value';
    process.env['npm_config_registry'] = 'https://registry.company.test/';
    await createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none }).ensure(pinned(), 'fake', quiet);
    const environment = readFileSync(join(root, 'environment'), 'utf8');
    expect(environment).not.toContain('canary-value');
    expect(environment).toContain('npm_config_registry=https://registry.company.test/');
    expect(environment).toMatch(new RegExp(`^HOME=${join(root, 'clis')}/`, 'm'));
  });

  it('runs once for callers that come together, and goes on when one of them leaves', async () => {
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    const controller = new AbortController();
    const first = installer.ensure(pinned(), 'fake', { ...quiet, signal: controller.signal });
    const second = installer.ensure(pinned(), 'fake', quiet);
    await expect.poll(runs).toBe(1);
    controller.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(existsSync(join(await second, bin))).toBe(true);
    expect(runs()).toBe(1);
  });

  it('ends npm when everybody has left, and leaves nothing half-done', async () => {
    useNpm(`echo x >> ${root}/runs\nexec sleep 600`);
    const controller = new AbortController();
    const only = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none }).ensure(pinned(), 'fake', {
      ...quiet,
      signal: controller.signal,
    });
    await expect.poll(runs).toBe(1);
    controller.abort(new Error('left'));
    await expect(only).rejects.toThrow('left');
    await expect.poll(() => readdirSync(join(root, 'clis'))).toEqual([]);
  });

  it('lets two servers install the same version at the same time', async () => {
    const both = [1, 2].map(() =>
      createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none }).ensure(pinned(), 'fake', quiet),
    );
    const [first, second] = await Promise.all(both);
    expect(first).toBe(second);
    expect(runs()).toBe(2);
  });

  it('installs again when the program has vanished', async () => {
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    rmSync(join(await installer.ensure(pinned(), 'fake', quiet), bin));
    expect(existsSync(join(await installer.ensure(pinned(), 'fake', quiet), bin))).toBe(true);
  });

  it("says what npm's last words were, and can be tried again", async () => {
    useNpm('echo "npm error code EINTEGRITY" >&2; exit 1');
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    await expect(installer.ensure(pinned(), 'fake', quiet)).rejects.toMatchObject({
      code: 'PROVIDER_CLI_MISSING',
      retryable: true,
      hint: expect.stringContaining('EINTEGRITY'),
    });
    useNpm(`mkdir -p node_modules/fake-cli/bin; echo > ${bin}; chmod +x ${bin}`);
    await installer.ensure(pinned(), 'fake', quiet);
  });

  it('does not keep what npm unpacked only in part, though npm ends with 0', async () => {
    useNpm(`
      mkdir -p node_modules/fake-cli/bin; echo > ${bin}; chmod +x ${bin}
      echo "npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write" >&2`);
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    await expect(installer.ensure(pinned(), 'fake', quiet)).rejects.toMatchObject({
      code: 'PROVIDER_CLI_MISSING',
      hint: expect.stringContaining('ENOSPC: no space left on device'),
    });
    expect(await installer.find(pinned(), 'fake')).toBeUndefined();
  });

  it('refuses a package without the program, and a host without one', async () => {
    useNpm('mkdir node_modules');
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    await expect(installer.ensure(pinned(), 'fake', quiet)).rejects.toMatchObject({ code: 'PROVIDER_CLI_MISSING' });
    await expect(installer.ensure(pinned({ bin: {} }), 'fake', quiet)).rejects.toThrow(
      `no program for ${process.platform}`,
    );
  });

  it('sets the exec bit of a program that was packed without it', async () => {
    useNpm(`mkdir -p node_modules/fake-cli/bin; echo > ${bin}; chmod 644 ${bin}`);
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    const directory = await installer.ensure(pinned(), 'fake', quiet);
    expect(statSync(join(directory, bin)).mode & 0o777).toBe(0o755);
  });

  it('takes the first of several programs that this release has, and names them all where it has none', async () => {
    const platform = `${process.platform}-${process.arch}`;
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    const moved = pinned({ bin: { [platform]: ['node_modules/fake-cli/fake', bin] } });
    const directory = await installer.ensure(moved, 'fake', quiet);
    expect(await installer.find(moved, 'fake')).toBe(directory);
    expect(runs()).toBe(1);
    const gone = pinned({ bin: { [platform]: ['node_modules/fake-cli/fake', 'node_modules/fake-cli/old/fake'] } });
    await expect(installer.ensure(gone, 'fake', quiet)).rejects.toThrow(
      'its package has no node_modules/fake-cli/fake and no node_modules/fake-cli/old/fake',
    );
  });

  it.each([
    { version: '1.2.4' },
    { version: 'file:../x' },
    { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    { resolved: 'http://127.0.0.1:8080/x.tgz' },
    { inBundle: true },
    { link: true },
    { integrity: undefined },
    { resolved: 'git+ssh://git@host/x.git' },
    { resolved: 'file:../x' },
  ])('refuses a lockfile with %j before npm sees it', async (locked) => {
    mkdirSync(join(root, 'clis'));
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    await expect(installer.ensure(pinned({ locked }), 'fake', quiet)).rejects.toMatchObject({
      code: 'PROVIDER_MANIFEST_INVALID',
    });
    expect(runs()).toBe(0);
  });

  it('takes archives from the registry of this host alone', async () => {
    useNpm(`
      if [ "$1" = config ]; then echo '{"registry":"https://registry.company.test/npm/"}'; exit; fi
      if [ "$1" = run ]; then exit; fi
      mkdir -p node_modules/fake-cli/bin; echo > ${bin}; chmod +x ${bin}; echo x >> ${root}/runs`);
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm, sandbox: none });
    const from = (origin: string) => pinned({ locked: { resolved: `${origin}/fake-cli/-/fake-cli-1.2.3.tgz` } });
    await expect(installer.ensure(from('https://evil.test'), 'fake', quiet)).rejects.toThrow(
      'entry "node_modules/fake-cli" is resolved to https://evil.test/fake-cli/-/fake-cli-1.2.3.tgz, outside the registry https://registry.company.test',
    );
    expect(runs()).toBe(0);
    await installer.ensure(from('https://registry.company.test/npm'), 'fake', quiet);
    expect(runs()).toBe(1);
  });

  it.skipIf(sandbox.bubblewrap === undefined)('keeps npm from the files of the host by default', async () => {
    writeFileSync(join(root, 'secret'), 'canary');
    useNpm(`
      if [ "$1" = config ]; then echo '{}'; exit; fi
      if [ "$1" = run ]; then exit; fi
      mkdir -p node_modules/fake-cli/bin; cp ${root}/secret node_modules/; echo > ${bin}; chmod +x ${bin}`);
    const installer = createCliInstaller({ directory: join(root, 'clis'), npm });
    const directory = await installer.ensure(pinned(), 'fake', quiet);
    expect(readdirSync(join(directory, 'node_modules'))).toEqual(['fake-cli']);
  });
});
