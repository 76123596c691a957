import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import { bootConfigSchema } from '@sallyport/core/protocol';
import type { MachinePlan } from '@sallyport/core/driver';
import { describe, expect, it } from 'vitest';

import { guestBootConfig } from './guest-boot.ts';
import { findGuestClis } from './guest-clis.ts';
import { kernelCommandLine } from './kernel-command-line.ts';

const place = {
  address: '192.168.100.7',
  netmask: '255.255.255.0',
  gateway: '192.168.100.1',
  egress: { host: '192.168.100.1', port: 3128 },
};
const plan: MachinePlan = {
  machineId: 'm-one',
  userId: 'user',
  role: 'cli',
  memoryMb: 384,
  vcpus: 1,
  diskMb: 1024,
  labels: {},
  agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/node' },
  clis: [],
};
const options = {
  epoch: 3,
  token: new Secret('token-of-this-boot-0123456789-0123456789'),
  egress: { socketPath: '/egress.sock', certificateAuthority: 'PEM', close: async () => {} },
};

describe('what a virtual machine is told', () => {
  it('is what its agent takes', () => {
    const boot = guestBootConfig({ plan, options, place, clis: { codex: '/opt/cli/codex' } });
    expect(bootConfigSchema.parse(boot)).toEqual(boot);
    expect(boot).toMatchObject({ epoch: 3, egress: place.egress, certificateAuthority: 'PEM' });
    expect(boot.bubblewrap).toBe('/usr/bin/bwrap');
  });

  it('gives a browser machine one home, a desktop and a sandbox for the login CLI', () => {
    const desktop = { width: 1280, height: 800 };
    const boot = guestBootConfig({ plan: { ...plan, role: 'browser', desktop }, options, place, clis: {} });
    expect(boot).toMatchObject({ role: 'browser', desktop });
    expect(boot.homes).toBeUndefined();
    expect(boot.bubblewrap).toBe('/usr/bin/bwrap');
  });

  it('takes a CLI from the image at this very version alone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sp-clis-'));
    try {
      await writeFile(join(directory, 'package.json'), JSON.stringify({ dependencies: { '@openai/codex': '1.2.3' } }));
      const wanted = [
        { provider: 'codex', directory },
        { provider: 'own', directory: join(directory, 'absent') },
      ];
      expect(await findGuestClis(wanted, { programs: { codex: '@openai/codex@1.2.3' } })).toEqual({
        inside: { codex: '/opt/cli/codex', own: '/run/sallyport/drive/cli/own' },
        onDrive: [wanted[1]],
      });
      expect((await findGuestClis(wanted, { programs: { codex: '@openai/codex@1.2.4' } })).onDrive).toEqual(wanted);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('names its place on the kernel command line, and no secret', () => {
    expect(kernelCommandLine({ machineId: 'm-one', place, reboot: 't' })).toBe(
      'console=ttyS0 quiet no_timer_check reboot=t panic=-1 root=/dev/vda ro init=/etc/overlay-init ' +
        'ip=192.168.100.7::192.168.100.1:255.255.255.0:m-one:eth0:off',
    );
  });
});
