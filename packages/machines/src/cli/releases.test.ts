import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { manifestSchema } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { checkLockfile } from './lockfile.ts';
import type { PinnedCli } from './lockfile.ts';
import { listReleases, pinRelease } from './releases.ts';

let root: string;
let npm: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-releases-'));
  npm = join(root, 'npm');
  vi.stubEnv('TMPDIR', root);
  vi.stubEnv('CANARY_FOR_NPM', 'canary');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

function useNpm(script: string): void {
  writeFileSync(npm, `#!/bin/sh\n${script}\n`);
  chmodSync(npm, 0o755);
}

const options = (signal = new AbortController().signal) => ({ npm, signal, sandbox: { reason: 'it is switched off' } });

describe('the releases of a CLI', () => {
  it('are its plain versions, oldest first, as numbers and not as words', async () => {
    useNpm(`echo '{"versions":["0.9.0","0.10.0-linux-x64","0.10.0","1.0.0-beta.1","0.2.0"]}'`);
    const releases = await listReleases({ package: 'fake-cli' }, options());
    expect(releases.map(({ version }) => version)).toEqual(['0.2.0', '0.9.0', '0.10.0']);
  });

  it('say when they were published, where the registry does', async () => {
    useNpm(
      `echo '{"versions":["1.0.0","1.1.0"],"time":{"created":"2026-01-01T00:00:00Z","1.1.0":"2026-02-01T00:00:00Z"}}'`,
    );
    expect(await listReleases({ package: 'fake-cli' }, options())).toEqual([
      { version: '1.0.0', publishedAt: undefined },
      { version: '1.1.0', publishedAt: Date.UTC(2026, 1, 1) },
    ]);
  });

  it.each(['["1.2.3"]', '"1.2.3"', '{"versions":"1.2.3"}'])('are one where npm answers with %s', async (answer) => {
    useNpm(`echo '${answer}'`);
    expect(await listReleases({ package: 'fake-cli' }, options())).toEqual([
      { version: '1.2.3', publishedAt: undefined },
    ]);
  });

  it('cannot be told without npm answering, whose words are passed on', async () => {
    useNpm('echo "no such package" >&2; exit 1');
    await expect(listReleases({ package: 'fake-cli' }, options())).rejects.toMatchObject({
      code: 'PROVIDER_CLI_MISSING',
      hint: expect.stringContaining('no such package'),
    });
  });
});

describe('another release of a CLI', () => {
  it('is pinned by hash, resolved by npm in a clean directory, with nothing of it run', async () => {
    useNpm(`
      echo "$@" > ${root}/arguments
      env > ${root}/environment
      cp package.json ${root}/
      cat > package-lock.json <<'END'
      {"lockfileVersion":3,"packages":{"":{"dependencies":{"fake-cli":"1.3.0"}},
       "node_modules/fake-cli":{"version":"1.3.0","integrity":"sha512-${'A'.repeat(86)}=="}}}
END`);
    const other = await pinRelease(pinned(), '1.3.0', options());
    expect(other).toMatchObject({ package: 'fake-cli', version: '1.3.0', bin: pinned().bin });
    expect((await checkLockfile(other, 'fake', async () => ({ registryFor: () => undefined }))).packageCount).toBe(1);
    expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({
      dependencies: { 'fake-cli': '1.3.0' },
    });
    const words = readFileSync(join(root, 'arguments'), 'utf8');
    expect(words).toMatch(/^install --package-lock-only --ignore-scripts /);
    expect(words).toContain('--omit-lockfile-registry-resolved');
    expect(readFileSync(join(root, 'environment'), 'utf8')).not.toContain('canary');
    expect(readdirSync(root).filter((name) => name.startsWith('sallyport-npm-'))).toEqual([]);
  });

  it('is the one of the manifest where that is asked for, without asking npm', async () => {
    useNpm(`touch ${root}/asked`);
    expect(await pinRelease(pinned(), '1.2.3', options())).toEqual(pinned());
    expect(existsSync(join(root, 'asked'))).toBe(false);
  });

  it('is given up when nobody wants it any more', async () => {
    useNpm('exec sleep 600');
    const abort = new AbortController();
    const pinning = pinRelease(pinned(), '1.3.0', options(abort.signal));
    abort.abort(new Error('enough'));
    await expect(pinning).rejects.toThrow('enough');
  });
});

function pinned(): PinnedCli {
  return manifestSchema.shape.cli.parse({
    package: 'fake-cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { 'linux-x64': 'node_modules/fake-cli/bin/fake' },
  });
}
