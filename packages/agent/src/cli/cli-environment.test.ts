import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { cliEnvironment } from './cli-environment.ts';
import { writeTrustFiles } from './trust.ts';

describe('a CLI’s environment', () => {
  it('is built from nothing, and what is added cannot replace what the machine sets', () => {
    const surroundings = { runtime: '/run/a', proxyPort: 3128, trust: undefined };
    const env = cliEnvironment(surroundings, '/home/a', { PATH: '/evil', HTTPS_PROXY: 'http://evil', EXTRA: 'yes' });
    expect(env).toMatchObject({
      HOME: '/home/a',
      PATH: '/run/a/bin:/usr/local/bin:/usr/bin:/bin',
      BROWSER: '/run/a/bin/sallyport-browser',
      HTTPS_PROXY: 'http://127.0.0.1:3128',
      no_proxy: `localhost,127.0.0.1,127.0.0.0/8,::1,[::1],0.0.0.0,${hostname()}`,
      EXTRA: 'yes',
    });
    expect(Object.keys(cliEnvironment({ ...surroundings, proxyPort: undefined }, '/home/a')).toSorted()).toEqual([
      'BROWSER',
      'GIT_CONFIG_COUNT',
      'GIT_CONFIG_KEY_0',
      'GIT_CONFIG_KEY_1',
      'GIT_CONFIG_KEY_2',
      'GIT_CONFIG_VALUE_0',
      'GIT_CONFIG_VALUE_1',
      'GIT_CONFIG_VALUE_2',
      'GIT_OPTIONAL_LOCKS',
      'HOME',
      'LANG',
      'PATH',
      'TERM',
      'TMPDIR',
    ]);
  });

  it('trusts the system’s authorities and ours together', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-trust-'));
    expect(await writeTrustFiles(folder, undefined)).toBeUndefined();
    const files = await writeTrustFiles(folder, 'OUR CERTIFICATE');
    expect(await readFile(files?.own ?? '', 'utf8')).toBe('OUR CERTIFICATE\n');
    const system = await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8').catch(() => '');
    expect(await readFile(files?.bundle ?? '', 'utf8')).toBe(`${system}\nOUR CERTIFICATE\n`);
    await rm(folder, { recursive: true });
  });
});
