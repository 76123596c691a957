import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { agentBundle } from '@sallyport/agent';
import type { BootConfig } from '@sallyport/core';
import { createImageStore, debianKernel, rootImage, ROOT_FILE } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startGuest } from '../support/guest.ts';
import { poll } from '../support/server.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const token = 'token-of-this-boot-0123456789-0123456789';

/** Images are made once on a host: the same inputs are the same image. */
const store = createImageStore({
  directory: resolve(import.meta.dirname, '../../node_modules/.cache/sallyport/machine-images'),
});

describe('a golden image with Debian’s kernel', () => {
  let folder: string;
  let kernel: Image;
  let root: Image;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
    const options = { signal, now: new Date(), onProgress: (message: string) => console.log(message) };
    kernel = await store.ensure(await debianKernel(), options);
    root = await store.ensure(await rootImage({ kind: 'cli', node: agentBundle().node, clis: [] }), options);
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is recorded with every package in it, and is what was recorded', async () => {
    await store.verify(kernel, { signal });
    await store.verify(root, { signal });
    expect(root.packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['bash', 'bubblewrap', 'busybox-static', 'git', 'libc6']),
    );
    expect(root.programs['node']).toBe(process.versions.node);
    // No package manager, and nothing that would update anything.
    expect(root.packages.map(({ name }) => name)).not.toContain('apt');
    await run('/usr/sbin/e2fsck', ['-fn', join(root.directory, ROOT_FILE)]);
  });

  it('boots to an agent that answers whoever has the token of this boot, and ends with a clean disk', async () => {
    const boot: BootConfig = {
      machineId: 'm-image',
      epoch: 1,
      role: 'cli',
      token,
      listen: { port: 8080, host: '0.0.0.0' },
      home: '/sallyport/home',
      homes: '/sallyport/homes',
      bubblewrap: '/usr/bin/bwrap',
      runtime: '/run/m',
      clis: {},
    };
    await using guest = await startGuest({ folder, kernel, root, memoryMb: 384, boot });
    const health = (authorization: string): Promise<Response | undefined> =>
      fetch(`${guest.origin}/health`, { headers: { authorization }, signal: AbortSignal.timeout(5_000) }).catch(
        () => undefined,
      );
    const healthy = await poll(120_000, 'the agent in the guest', () => health(`Bearer ${token}`));
    expect(await healthy.json()).toEqual({ status: 'ok', timestamp: expect.any(String), activeSessions: 0 });
    expect((await health('Bearer another'))?.status).toBe(401);

    await guest.end();
    expect(await guest.console()).not.toMatch(/cannot be|No such|not found|panic|token-of-this-boot/);
    const disk = join(folder, 'disk.ext4');
    // `needs_recovery` would say that the journal has to be replayed.
    expect((await run('/usr/sbin/dumpe2fs', ['-h', disk])).stdout).toMatch(
      /^Filesystem features:(?!.*needs_recovery)/m,
    );
    await run('/usr/sbin/e2fsck', ['-fn', disk]);
    const { stdout } = await run('/usr/sbin/debugfs', ['-R', 'stat /upper/sallyport/homes', disk]);
    expect(stdout).toMatch(/Mode: {2}0700/);
    expect(stdout).toMatch(/User: {2}1000 +Group: {2}1000/);
  });
});
