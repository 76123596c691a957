import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createUserNetwork } from '@sallyport/machines';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { cliBoot, startGuest } from '../support/guest.ts';
import { machineImages } from '../support/images.ts';
import { poll, repository } from '../support/server.ts';

const { signal } = new AbortController();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-vsock-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the image has, and beside it a device that is not there and a program that asks. */
async function makeUpper(): Promise<string> {
  const etc = join(folder, 'upper', 'etc');
  await mkdir(etc, { recursive: true });
  await cp(join(import.meta.dirname, 'vsock-guest'), join(etc, 'vsock-guest'), { recursive: true });
  const inittab = await readFile(join(repository, 'packages/machines/guest/common/etc/inittab'), 'utf8');
  const added = '::sysinit:/etc/vsock-guest/pretend-device\n::once:/etc/vsock-guest/ask\n';
  await writeFile(join(etc, 'inittab'), `${inittab}${added}`);
  return join(folder, 'upper');
}

it('a guest answers by vsock: its agent to those who have the token, its control port to the host alone', async () => {
  const images = await machineImages();
  const network = createUserNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock });
  const boot = cliBoot('m-vsock');
  await using guest = await startGuest({
    folder,
    kernel: images.kernel,
    root: images.cli,
    memoryMb: 384,
    boot,
    place: await network.attach(boot.machineId, { egressSocket: '/dev/null', signal }),
    upper: await makeUpper(),
  });
  const told = await poll('the end of the questions', async () => {
    const text = (await guest.console().catch(() => '')).replaceAll('\r', '');
    return text.includes('all was asked') ? text : undefined;
  });
  const linesOf = (who: string): readonly string[] =>
    told.split('\n').flatMap((line) => (line.startsWith(`${who}: `) ? [line.slice(who.length + 2)] : []));
  const [status, ...rest] = linesOf('own-token');
  expect(status, told).toBe('HTTP/1.1 200 OK');
  expect(JSON.parse(rest.at(-1) ?? '')).toEqual({ status: 'ok', timestamp: expect.any(String), activeSessions: 0 });
  expect(linesOf('another-token')[0]).toBe('HTTP/1.1 401 Unauthorized');
  expect(linesOf('neighbour')).toEqual(['closed']);
  expect(linesOf('after the neighbour')).toContain('frozen 0');
  expect(linesOf('host')).toEqual(['{"ok":true}']);
  expect(linesOf('after the host')).toContain('frozen 1');
});
