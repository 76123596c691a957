import { tmpdir } from 'node:os';

import { describe, expect, it } from 'vitest';

import { openLimiter } from '../host/limits/limiter.ts';
import { checkHost, checkLimits, checkNode, checkNpmSandbox } from './doctor.ts';
import type { Isolation } from './isolation.ts';

const isolation: Isolation = {
  bubblewrap: undefined,
  reason: 'it is not installed',
  dropsUser: false,
  canReveal: false,
  nestedNamespaces: false,
  sandboxesClis: false,
  filtersSystemCalls: false,
  sentence: 'Machines are plain processes.',
};

describe('the doctor', () => {
  it('checks every requirement and offers a fix for every problem', async () => {
    const checks = await checkHost({ dataDirectory: tmpdir(), isolation, limiter: await openLimiter() });
    expect(checks.map((check) => check.name)).toEqual([
      'node',
      'bubblewrap',
      'user namespaces',
      'homes of CLIs',
      'system calls',
      'limits',
      'desktop',
      'npm',
      'bubblewrap for npm',
      'disk',
    ]);
    for (const check of checks) {
      expect(check.found, check.name).not.toBe('');
      expect(check.fix !== undefined, check.name).toBe(check.state !== 'ok');
    }
    const bubblewrap = checks.find((check) => check.name === 'bubblewrap');
    expect(bubblewrap?.state).toBe('degraded');
    if (process.platform === 'linux') {
      expect(bubblewrap?.fix).toBe('sudo apt-get install -y bubblewrap');
    }
  });

  it('reports that npm is not sandboxed if bubblewrap does not work', () => {
    expect(checkNpmSandbox({ bubblewrap: '/usr/bin/bwrap' })).toMatchObject({ state: 'ok' });
    expect(checkNpmSandbox({ reason: 'it is not installed' })).toMatchObject({
      state: 'degraded',
      found: 'it is not installed: the npm that installs CLIs can read the files of this host and reach its network',
    });
  });

  it('reports swap that machines can use up', async () => {
    const limiter = { ...(await openLimiter()), isWhole: true, sentence: 'memory, pids by cgroup v1' };
    const none = 'Filename\tType\tSize\tUsed\tPriority\n';
    const some = `${none}/dev/sda2\tpartition\t1048572\t0\t-2\n`;
    const stateWith = (limitsSwap: boolean, swaps: string) => checkLimits({ ...limiter, limitsSwap }, swaps).state;
    expect([stateWith(true, some), stateWith(false, none), stateWith(false, '')]).toEqual(['ok', 'ok', 'ok']);
    expect(checkLimits({ ...limiter, limitsSwap: false }, some)).toMatchObject({
      state: 'degraded',
      found: expect.stringContaining('does not account for swap'),
      fix: expect.stringContaining('swapaccount=1'),
    });
  });

  it('rejects Node versions that are too old', () => {
    expect(['22.18.0', '22.20.1', '24.0.0'].map((version) => checkNode(version).state)).toEqual(['ok', 'ok', 'ok']);
    expect(['20.20.2', '22.17.9'].map((version) => checkNode(version).state)).toEqual(['missing', 'missing']);
  });
});
