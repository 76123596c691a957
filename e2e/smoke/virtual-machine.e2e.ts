import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import { createUserNetwork, debianKernel, rootImage } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { cliBoot, startGuest, TROUBLE, untilHealthy } from '../support/guest.ts';
import { ensureImage } from '../support/images.ts';

let folder: string;
let kernel: Image;
let root: Image;

// Debian's kernel, since ours takes minutes to compile, and no CLI, since each is hundreds of megabytes.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
  kernel = await ensureImage(debianKernel());
  root = await ensureImage(rootImage({ kind: 'cli', node: agentBundle().node, clis: [] }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a virtual machine', () => {
  it('boots a golden image to an agent that answers the token of this boot and no other', async () => {
    const boot = cliBoot('m-smoke');
    const network = createUserNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock });
    const { signal } = new AbortController();
    const place = await network.attach(boot.machineId, { egressSocket: '/dev/null', signal });
    await using guest = await startGuest({ folder, kernel, root, memoryMb: 384, boot, place });
    const healthy = await untilHealthy(guest);
    expect(JSON.parse(healthy.body)).toEqual({ status: 'ok', timestamp: expect.any(String), activeSessions: 0 });
    for (const headers of [{ authorization: 'Bearer another' }, {}]) {
      expect(await guest.request('/health', { headers })).toMatchObject({ status: 401 });
    }
    await guest.end();
    expect(await guest.console()).not.toMatch(TROUBLE);
  });
});
