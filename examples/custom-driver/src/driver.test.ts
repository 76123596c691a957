import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import { connectAgent } from '@sallyport/machines';
import { describeDriver } from '@sallyport/testkit';
import type { DriverUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createDirectoryDriver } from './driver.ts';

let machines = 0;

/** A driver with an empty directory, an egress route that leads nowhere, and the built agent. */
async function create(): Promise<DriverUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-folder-'));
  const nowhere = createServer((socket) => socket.end());
  const socketPath = join(folder, 'egress.sock');
  await new Promise<void>((resolve) => nowhere.listen(socketPath, resolve));
  const agent = agentBundle();
  const open = () => createDirectoryDriver({ directory: join(folder, 'machines'), clock: systemClock });
  return {
    driver: await open(),
    plan: (role) => ({
      machineId: `m-example${(machines += 1)}`,
      userId: 'somebody',
      role,
      memoryMb: 256,
      vcpus: 1,
      diskMb: 64,
      labels: {},
      agent,
      clis: [],
    }),
    egress: { socketPath, close: async () => {} },
    clis: {
      directory: join(folder, 'clis'),
      agent: agent.directory,
      connectAgent,
      homesApart: 'its machines are directories of this host, and keep nothing apart',
    },
    restart: open,
    cleanUp: async () => {
      await new Promise((resolve) => nowhere.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

describeDriver('folder', create, { describe, it, expect });

describe('the disk of a directory machine', () => {
  it('is not left by a link, whether it is a file or a directory on the way', async () => {
    const subject = await create();
    try {
      const machine = await subject.driver.create(subject.plan('cli'), { signal: new AbortController().signal });
      const home = join(subject.clis?.directory ?? '', '..', 'machines', machine.id, 'homes', 'codex');
      await mkdir(home, { recursive: true });
      await symlink('/etc', join(home, '.codex'));
      await symlink('/etc/hostname', join(home, 'auth.json'));
      for (const path of ['~/.codex/hostname', '~/auth.json']) {
        await expect(machine.disk.harvest('codex', [path]), path).rejects.toMatchObject({
          code: 'MACHINE_DISK_UNSAFE',
        });
      }
    } finally {
      await subject.cleanUp();
    }
  });
});
