import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { systemClock } from '@sallyport/core';
import { createUserNetwork } from '@sallyport/machines';
import { expect, it } from 'vitest';

import { createGuestDisk } from '../../packages/machines/src/disk/__fixtures__/guest-disk.ts';
import { createOfflineDisk } from '../../packages/machines/src/disk/offline-disk.ts';
import { shellInGuest } from '../support/guest-run.ts';
import { bootToken, cliBoot, startGuest, untilHealthy } from '../support/guest.ts';
import { machineImages } from '../support/images.ts';
import { killDiskTool } from '../support/kill-disk-tool.ts';
import { poll } from '../support/server.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
/** Whom the disk belongs to where these tests are root: its tools run as that user. */
const OWNER = 201_777;

/** Counts in a file, as a CLI that puts a new login in place of the old one; a number is printed when the disk has it. */
const COUNT = `
cd
n=0
while :; do
  n=$((n + 1))
  printf '{"n":%d}' "$n" >next.json
  sync next.json
  mv next.json auth.json
  sync .
  echo "$n"
done`;

it('gives what its machine had written before it was killed in the middle of writing, though only the journal has it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
  try {
    const { kernel, cli } = await machineImages();
    const network = createUserNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock });
    const place = await network.attach('m-killed', { egressSocket: '/dev/null', signal });
    let last = 0;
    {
      await using guest = await startGuest({
        folder,
        kernel,
        root: cli,
        memoryMb: 384,
        boot: cliBoot('m-killed'),
        place,
      });
      await untilHealthy(guest);
      const over = new AbortController();
      const counting = shellInGuest(guest, bootToken, COUNT, {
        signal: over.signal,
        onLine: (line) => {
          last = Number(line);
        },
      }).catch(() => 'ended');
      await poll('the guest to count', () => Promise.resolve(last >= 20 ? true : undefined));
      await guest[Symbol.asyncDispose]();
      over.abort();
      await counting;
    }
    const path = join(folder, 'disk.ext4');
    if (process.geteuid?.() === 0) await chown(path, OWNER, OWNER);
    // As it is, without playing anything back. The kernel has had no time for the checksum of the superblock.
    const debugfs = async (command: string) => (await run('/usr/sbin/debugfs', ['-n', '-R', command, path])).stdout;
    expect(await debugfs('features')).toContain('needs_recovery');
    expect(await debugfs('cat /upper/sallyport/homes/shell/auth.json')).not.toContain(`{"n":${last}}`);

    const disk = createOfflineDisk({ path, role: 'cli', requireFree: (work) => work() });
    const { ino, mtimeMs } = await stat(path);
    const [found] = await disk.harvest('shell', ['~/auth.json']);
    // It may have written once more before anybody heard of it.
    expect([`{"n":${last}}`, `{"n":${last + 1}}`]).toContain(found?.content);
    expect(await stat(path)).toMatchObject({ ino, mtimeMs });
    const next = { path: '~/auth.json', content: '{"n":"of the host"}', mode: 0o600 };
    await disk.inject('shell', [next]);
    expect(await disk.harvest('shell', ['~/auth.json'])).toEqual([next]);
    await run('/usr/sbin/e2fsck', ['-fn', path]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const provider = 'codex';
const login = { path: '~/.codex/auth.json', content: '{"token":"old"}', mode: 0o600 };
const newer = { ...login, content: '{"token":"new"}' };

it.each([
  ['copies it', 'cp', '--sparse=always'],
  ['checks it', 'e2fsck', '-p'],
  ['looks for the place', 'debugfs', '-f'],
  ['writes', 'debugfs', '-w'],
  ['checks what was written', 'e2fsck', '-fp'],
])('is as it was when the program is killed that %s, and is written at the next attempt', async (_, name, option) => {
  using guest = await createGuestDisk();
  await guest.disk.inject(provider, [login]);
  await poll(`${name} to be killed`, async () => {
    const before = guest.hash();
    const end = new AbortController();
    const injecting = guest.disk
      .inject(provider, [newer])
      .then(
        () => undefined,
        (error: unknown) => error,
      )
      .finally(() => end.abort());
    await killDiskTool(name, option, end.signal);
    const failure = await injecting;
    if (failure !== undefined) {
      const message = expect.stringMatching(new RegExp(`^${name}, .* was ended by SIGKILL`));
      expect(failure).toMatchObject({ code: 'MACHINE_DISK_INTERRUPTED', message });
      expect(guest.hash()).toBe(before);
      return true;
    }
    // It was through before it was caught, or before the signal came.
    await guest.disk.inject(provider, [login]);
    return undefined;
  });
  expect(await guest.disk.harvest(provider, [login.path])).toEqual([login]);
  await guest.disk.inject(provider, [newer]);
  expect(await guest.disk.harvest(provider, [login.path])).toEqual([newer]);
});
