import { describe, expect, it } from 'vitest';

import { checkDiskHost, checkSandbox, judgeVersion } from './doctor.ts';

describe('the doctor for disks', () => {
  it('looks at the tools and at what they run in, and has a fix for everything that is wrong', async () => {
    const checks = await checkDiskHost();
    expect(checks.map(({ name }) => name)).toEqual(['e2fsprogs', 'bubblewrap for disks']);
    for (const check of checks) expect(check.fix !== undefined, check.name).toBe(check.state !== 'ok');
  });

  it('knows which tools are too old', () => {
    expect(judgeVersion('mke2fs 1.47.0 (5-Feb-2023)\n\tUsing EXT2FS Library')).toEqual({
      name: 'e2fsprogs',
      state: 'ok',
      found: 'version 1.47.0 (5-Feb-2023)',
    });
    expect(judgeVersion('mke2fs 1.42.13 (17-May-2015)').state).toBe('missing');
    expect(judgeVersion('').state).toBe('missing');
  });

  it('says what is open to a disk without bubblewrap, and what to do', () => {
    expect(checkSandbox({ reason: 'it is not installed' })).toMatchObject({
      state: 'degraded',
      fix: 'sudo apt-get install -y bubblewrap',
    });
    expect(checkSandbox({ reason: 'it does not work here: bwrap: No permissions' }).fix).toContain('sysctl');
    expect(checkSandbox({ bubblewrap: '/usr/bin/bwrap' }).state).toBe('ok');
  });
});
