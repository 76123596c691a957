import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { MachinePlan, MachineRole } from '@sallyport/core/driver';
import { startFakeFirecracker } from '@sallyport/testkit/firecracker';
import type { FakeFirecracker, FakeFirecrackerOptions } from '@sallyport/testkit/firecracker';

import { createApiClient } from '../api-client.ts';
import { jail } from '../boot-sequence.ts';
import type { RunningVmm } from '../boot.ts';
import type { VsockTarget } from '../vsock.ts';

export const plan = (role: MachineRole): MachinePlan => ({
  machineId: 'm-abcdefghij234567klmn',
  userId: 'test-user-001',
  role,
  memoryMb: role === 'cli' ? 384 : 1536,
  vcpus: role === 'cli' ? 1 : 2,
  diskMb: 512,
  labels: {},
  agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/usr/bin/node' },
  clis: [],
});

export const resources = {
  tap: 'fc-vm-abcdefgh',
  address: '192.168.100.17',
  mac: '02:fc:c0:a8:64:11',
  gateway: '192.168.100.1',
  netmask: '255.255.255.0',
};

/** A directory with what a jail has, and the processes that were started in it, one after the other. */
export interface FakeJail {
  readonly root: string;
  readonly fakes: readonly FakeFirecracker[];
  readonly vsock: VsockTarget;
  startVmm(options?: Pick<FakeFirecrackerOptions, 'interfere' | 'taps' | 'clockRealtime'>): Promise<RunningVmm>;
  close(): Promise<void>;
}

export async function createFakeJail(): Promise<FakeJail> {
  const root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  const fakes: FakeFirecracker[] = [];
  const clients: RunningVmm['api'][] = [];
  for (const path of [jail.kernel, jail.base, jail.own, jail.agent]) {
    await writeFile(join(root, path), path);
  }
  await mkdir(join(root, jail.snapshots));
  return {
    root,
    fakes,
    vsock: { path: join(root, jail.vsock), port: 1024, owner: process.geteuid?.() ?? 0 },
    startVmm: async (options) => {
      const socketPath = join(root, `api-${fakes.length}`);
      await rm(join(root, jail.vsock), { force: true });
      const fake = await startFakeFirecracker({
        socketPath,
        root,
        taps: [resources.tap],
        guest: (port) => (port === 1024 ? (socket) => void socket.write('agent') : undefined),
        ...options,
      });
      const api = createApiClient({ socketPath, clock: systemClock });
      fakes.push(fake);
      clients.push(api);
      return { vmm: { exited: fake.exited, kill: async (name) => fake.kill(name) }, api };
    },
    close: async () => {
      clients.forEach((client) => client.close());
      await Promise.all(fakes.map((fake) => fake.close()));
      await rm(root, { recursive: true });
    },
  };
}
