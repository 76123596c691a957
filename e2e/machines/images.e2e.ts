import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { systemClock } from '@sallyport/core';
import { createUserNetwork, ROOT_FILE } from '@sallyport/machines';
import { manifest as claude } from '@sallyport/provider-claude';
import { manifest as codex } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { shellInGuest } from '../support/guest-run.ts';
import { bootToken, cliBoot, startGuest, TROUBLE, untilHealthy } from '../support/guest.ts';
import { imageStore, machineImages } from '../support/images.ts';
import type { MachineImages } from '../support/images.ts';

const run = promisify(execFile);
const { signal } = new AbortController();

let folder: string;
let images: MachineImages;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
  images = await machineImages();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(['cli', 'browser'] as const)('the golden image of a %s machine', (kind) => {
  it('is what was recorded, with a version of everything in it', async () => {
    const image = await imageStore.open(images[kind].name, { signal });
    for (const { name, version, architecture } of image.packages) {
      expect([name, version, architecture]).toEqual([
        expect.stringMatching(/^[a-z0-9][a-z0-9.+-]+$/),
        expect.stringMatching(/^\d/),
        expect.stringMatching(/^(amd64|arm64|all)$/),
      ]);
    }
    const names = image.packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['bash', 'bubblewrap', 'busybox-static', 'git', 'libc6']));
    expect(image.programs).toEqual({
      node: process.versions.node,
      ...Object.fromEntries([codex, claude, gemini].map(({ id, cli }) => [id, `${cli.package}@${cli.version}`])),
    });
    // No package manager, and nothing that would update anything by itself.
    for (const updater of ['apt', 'unattended-upgrades', 'cron', 'packagekit']) {
      expect(names).not.toContain(updater);
    }
    await run('/usr/sbin/e2fsck', ['-fn', join(image.directory, ROOT_FILE)]);
  });
});

describe.each([
  ['our kernel, in microvm', 'kernel'],
  ['Debian’s kernel, in pc', 'debianKernel'],
] as const)('a golden image with %s', (_name, kernel) => {
  it('boots to an agent that answers a caller with the token of this boot, and ends with a clean disk', async () => {
    const place = await mkdtemp(join(folder, 'guest-'));
    const network = createUserNetwork({ dataDirectory: join(place, 'data'), clock: systemClock });
    const boot = cliBoot('m-image');
    await using guest = await startGuest({
      folder: place,
      kernel: images[kernel],
      root: images.cli,
      memoryMb: 384,
      boot,
      place: await network.attach(boot.machineId, { egressSocket: '/dev/null', signal }),
    });
    const healthy = await untilHealthy(guest);
    expect(JSON.parse(healthy.body)).toEqual({ status: 'ok', timestamp: expect.any(String), activeSessions: 0 });
    const stranger = await guest.request('/health', { headers: { authorization: 'Bearer another' } });
    expect(stranger.status).toBe(401);
    // As much compressed memory as there is memory, and it is in use.
    expect(await shellInGuest(guest, bootToken, 'cat /proc/swaps')).toMatch(/^\/dev\/zram0\s+partition\s+3\d{5}\s/m);
    expect(await shellInGuest(guest, bootToken, 'id -u; id -G; cat /etc/machine-id; hostname')).toMatch(
      /^1000\n1000\n[0-9a-f]{32}\nm-image$/,
    );

    await guest.end();
    expect(await guest.console()).not.toMatch(TROUBLE);
    const disk = join(place, 'disk.ext4');
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
