import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { MachineNetwork, NetworkAttachment } from '../network/machine-network.ts';
import { releaseStrayUsers } from '../process/user-allotment.ts';
import { readQemuRecord, writeQemuRecord } from './machine-record.ts';
import { failedIn } from './phases.ts';
import { createWiring } from './wiring.ts';

const { signal } = new AbortController();
const plan: MachinePlan = {
  machineId: 'm-one',
  userId: 'user',
  role: 'cli',
  memoryMb: 384,
  vcpus: 1,
  diskMb: 256,
  labels: {},
  agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/node' },
  clis: [],
};

describe('what a later server finds', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-records-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('is the record of a machine, for the server alone', async () => {
    const path = join(folder, 'machine.json');
    expect(await readQemuRecord(path)).toBeUndefined();
    const record = { plan, uid: 200_001, image: 'cli-1', running: { pid: 7, born: 'boot/1' } };
    await writeQemuRecord(path, record);
    expect(await readQemuRecord(path)).toEqual(record);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['machine.json']);
  });

  it('is not the record of another driver', async () => {
    const path = join(folder, 'machine.json');
    await writeFile(path, JSON.stringify({ plan }));
    await expect(readQemuRecord(path)).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });

  it.each(['', '{"plan":', 'null', '[]'])('is not the record %j, which is damaged', async (text) => {
    const path = join(folder, 'machine.json');
    await writeFile(path, text);
    await expect(readQemuRecord(path)).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      message: `The record ${path} is damaged.`,
      hint: expect.stringContaining('machine directory'),
    });
  });

  it('is the user of a machine that was never written down, and frees it', async () => {
    const claims = join(folder, 'machine-users');
    expect(await releaseStrayUsers(folder, async () => false)).toEqual([]);
    await mkdir(claims);
    await writeFile(join(claims, '200001'), 'm-one');
    await writeFile(join(claims, '200002'), 'm-gone');
    expect(await releaseStrayUsers(folder, async (machineId) => machineId === 'm-one')).toEqual([
      'user 200002 of m-gone',
    ]);
    expect(await readdir(claims)).toEqual(['200001']);
  });
});

describe('the wiring of machines', () => {
  function fakeNetwork() {
    const asked: (readonly string[])[] = [];
    const place: Pick<NetworkAttachment, 'detach'> = { detach: async () => void asked.push(['detach']) };
    const network: Pick<MachineNetwork, 'attach' | 'reconcile'> = {
      attach: async (machineId) => {
        if (machineId === 'm-none') throw new SallyportError('MACHINE_FAILED', 'All addresses are taken.');
        return Object.assign(place);
      },
      reconcile: async (machineIds) => {
        asked.push([...machineIds]);
        return [];
      },
    };
    return { asked, wiring: createWiring(Object.assign(network)) };
  }
  const options = { egressSocket: '/egress.sock', signal };

  it('keeps the places of machines that start, run, or run since an earlier server', async () => {
    const { asked, wiring } = fakeNetwork();
    const place = await wiring.attach('m-one', options);
    await expect(wiring.attach('m-none', options)).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    wiring.keep('m-earlier');
    await wiring.reconcile();
    await wiring.detach('m-earlier', undefined);
    await wiring.detach('m-one', place);
    await wiring.reconcile();
    expect(asked).toEqual([['m-one', 'm-earlier'], ['m-one'], ['detach'], []]);
  });
});

describe('a machine that does not come up', () => {
  it('says in which phase, and what its console showed last', () => {
    const cause = new SallyportError('MACHINE_TIMED_OUT', 'It took too long.', { hint: 'Wait.' });
    const error = failedIn('boot', 'm-one', 'line\nKernel panic\n', cause);
    expect(error).toMatchObject({ code: 'MACHINE_TIMED_OUT', hint: 'Wait.', details: { phase: 'boot' }, cause });
    expect(error.message).toBe(
      'Machine m-one failed while it booted: It took too long. Its console ends with: line\nKernel panic',
    );
    expect(failedIn('ready', 'm-one', '', new Error('no')).message).toBe(
      'Machine m-one failed before its agent answered: no',
    );
  });
});
