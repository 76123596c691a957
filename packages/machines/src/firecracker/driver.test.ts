import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import type { Machine, MachinePlan, StartOptions } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { requirement } from '../../../../test/setup/requirements.ts';
import { prepareFakeHost } from './__fixtures__/fake-host.ts';
import { onePlan } from './__fixtures__/one-plan.ts';
import { createFirecrackerDriver } from './driver.ts';
import type { FirecrackerDriver, FirecrackerDriverOptions } from './driver.ts';

const disks = requirement('disks');
const lacking = process.geteuid?.() === 0 ? disks.reason : 'needs root, as the jailer does';
const signal = new AbortController().signal;
const credential = { path: '~/.codex/auth.json', content: '{"token":"disk"}', mode: 0o600 };
const TIMEOUT_MS = 120_000;

describe.skipIf(lacking !== '')(`the Firecracker driver ${lacking}`, () => {
  let directory: string;
  let options: FirecrackerDriverOptions;
  let driver: FirecrackerDriver;
  let plan: MachinePlan;
  let epoch: number;

  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), 'sp-fc-')));
    options = await prepareFakeHost({ directory, hollow: true });
    driver = await createFirecrackerDriver(options);
    plan = onePlan(directory);
    epoch = 0;
  });
  afterEach(async () => {
    for (const ref of await driver.list()) await (await driver.adopt(ref))?.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  const startOptions = (change?: Partial<StartOptions>): StartOptions => ({
    epoch: ++epoch,
    token: new Secret(`canary-token-of-boot-${epoch}-0123456789-0123456789`),
    egress: { socketPath: '/nowhere', close: async () => {} },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...change,
  });
  const made = (change?: Partial<MachinePlan>): Promise<Machine> => driver.create({ ...plan, ...change }, { signal });
  const machineFile = (...names: string[]): string => join(directory, 'data', 'firecracker', plan.machineId, ...names);

  it(
    'puts nothing into a jail but what the machine may have, with nothing of it another’s to write',
    async () => {
      await (await made()).start(startOptions());
      const { uid } = JSON.parse(await readFile(machineFile('machine.json'), 'utf8'));
      expect(uid).toBeGreaterThanOrEqual(200_000);
      const jails = join(directory, 'data', 'jails', 'firecracker');
      const [jail = ''] = await readdir(jails);
      expect(jail).toMatch(/^m-abcdefghij234567klmn-[0-9a-f]{8}$/);
      const facts = async (name: string) => {
        const { uid: owner, mode } = await stat(join(jails, jail, 'root', name));
        return [owner === uid ? 'own' : owner, (mode & 0o777).toString(8)];
      };
      for (const name of ['own.ext4', 'agent.ext4', 'snap/gen-1.tmp/mem', 'snap/gen-1.tmp/state', 'firecracker.log']) {
        expect(await facts(name), name).toEqual(['own', '600']);
      }
      for (const name of ['vmlinux', 'base.ext4']) expect(await facts(name), name).toEqual([0, '444']);
      expect(await facts('snap')).toEqual([0, '711']);
    },
    TIMEOUT_MS,
  );

  it(
    'lets a machine sleep over a restart of the server, and wakes it once',
    async () => {
      const machine = await made();
      await machine.disk.inject('codex', [credential]);
      await machine.start(startOptions());
      await machine.hibernate?.({ signal });
      await expect(machine.disk.harvest('codex', [credential.path])).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
      await expect(machine.start(startOptions())).rejects.toMatchObject({ code: 'MACHINE_BUSY' });

      driver = await createFirecrackerDriver(options);
      expect(await driver.reconcile()).toEqual([]);
      const [ref] = await driver.list();
      expect(ref).toEqual({ machineId: plan.machineId, role: 'cli', running: false, hibernated: true });
      const adopted = ref && (await driver.adopt(ref));
      await adopted?.wake?.(startOptions());
      expect(await driver.list()).toEqual([{ machineId: plan.machineId, role: 'cli', running: true }]);
      await expect(adopted?.wake?.(startOptions())).rejects.toMatchObject({ code: 'MACHINE_BUSY' });

      // From one sleep to the next, and what was woken from is kept as long as it is mapped.
      expect((await readdir(machineFile('snap'))).toSorted()).toEqual(['gen-1', 'gen-2.tmp']);
      await adopted?.hibernate?.({ signal });
      expect(await readdir(machineFile('snap'))).toEqual(['gen-2']);
      await adopted?.stop({ deadlineMs: 0 });
      expect(await readdir(machineFile('snap'))).toEqual([]);
      expect(await adopted?.disk.harvest('codex', [credential.path])).toEqual([credential]);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['more memory', { memoryMb: 256 }],
    ['another CLI', { clis: [{ provider: 'codex', directory: '/nowhere' }] }],
    ['another agent', undefined],
  ])(
    'gives a snapshot up where the machine is to have %s',
    async (_, change) => {
      const machine = await made();
      await machine.start(startOptions());
      await machine.hibernate?.({ signal });
      if (!change) await writeFile(join(plan.agent.directory, 'main.js'), '// newer');
      await expect(machine.wake?.(startOptions({ plan: { ...plan, ...change } }))).rejects.toMatchObject({
        code: 'MACHINE_FAILED',
        message: expect.stringContaining('cannot be woken: '),
      });
      expect(await driver.list()).toEqual([{ machineId: plan.machineId, role: 'cli', running: false }]);
      await expect(machine.wake?.(startOptions())).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
      await machine.start(startOptions());
    },
    TIMEOUT_MS,
  );

  it(
    'starts from the disk, for good, where what was saved was changed',
    async () => {
      const machine = await made();
      await machine.start(startOptions());
      await machine.hibernate?.({ signal });
      await writeFile(machineFile('snap', 'gen-1', 'mem'), 'changed', { flag: 'a' });
      await expect(machine.wake?.(startOptions())).rejects.toMatchObject({
        message: expect.stringContaining('its memory is not what was saved'),
      });
      expect(await readdir(machineFile('snap'))).toEqual([]);
      await machine.start(startOptions());
    },
    TIMEOUT_MS,
  );

  it(
    'keeps the agent drive of a machine that sleeps, and starts from the disk where it was swapped',
    async () => {
      const machine = await made();
      await machine.start(startOptions());
      await machine.hibernate?.({ signal });
      const drive = await readFile(machineFile('agent.ext4'));
      await machine.wake?.(startOptions());
      expect(await readFile(machineFile('agent.ext4'))).toEqual(drive);
      await machine.hibernate?.({ signal });
      const swapped = Buffer.from(drive);
      swapped.writeUInt8(swapped.readUInt8(0) ^ 1, 0);
      await writeFile(machineFile('agent.ext4'), swapped);
      await expect(machine.wake?.(startOptions())).rejects.toMatchObject({
        message: expect.stringContaining('its agent drive is not what was saved'),
      });
      expect(await readdir(machineFile('snap'))).toEqual([]);
      await machine.start(startOptions());
    },
    TIMEOUT_MS,
  );

  it(
    'does not create a machine whose image is removed meanwhile, and leaves nothing of it',
    async () => {
      const { images } = options;
      const removed: typeof images = {
        ...images,
        open: async (wanted, context) => {
          if (wanted === `${plan.role}-0123456789abcdef`) throw new Error('the image is gone');
          return images.open(wanted, context);
        },
      };
      driver = await createFirecrackerDriver({ ...options, images: removed });
      await expect(made()).rejects.toThrow('the image is gone');
      expect(await driver.list()).toEqual([]);
      await expect(stat(machineFile())).rejects.toMatchObject({ code: 'ENOENT' });
    },
    TIMEOUT_MS,
  );

  it(
    'says how far a start came, and leaves nothing of it but the machine',
    async () => {
      const machine = await made();
      await writeFile(String(options.programs?.jailer), '#!/bin/sh\necho "Jailer error: no room" >&2\nexit 1\n');
      await expect(machine.start(startOptions())).rejects.toMatchObject({
        code: 'MACHINE_FAILED',
        message: expect.stringMatching(
          /^Machine m-\S+ did not start; it came as far as its jail\. .*Jailer error: no room/,
        ),
        details: { step: 'its jail' },
      });
      expect(await readdir(join(directory, 'data', 'jails', 'firecracker'))).toEqual([]);
      expect((await readdir(machineFile())).toSorted()).toEqual(['machine.json', 'own.ext4', 'snap']);
      expect(await driver.reconcile()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'keeps no token of a boot that is over',
    async () => {
      const machine = await made();
      await machine.start(startOptions());
      expect(await readFile(machineFile('agent.ext4'), 'latin1')).toContain('canary-token-of-boot-1');
      await machine.stop({ deadlineMs: 5000 });
      for (const name of await readdir(machineFile(), { recursive: true })) {
        const path = machineFile(name);
        if ((await stat(path)).isFile()) expect(await readFile(path, 'latin1'), name).not.toContain('canary-token');
      }
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a network without TAP devices, and a host without the programs',
    async () => {
      const { network, programs: _, ...rest } = options;
      const tapless = {
        ...network,
        attach: async (...words: Parameters<typeof network.attach>) => {
          const { tap: _tap, ...place } = await network.attach(...words);
          return place;
        },
      };
      const machine = await made();
      await machine.destroy();
      for (const [change, code, hint] of [
        [{ ...options, network: tapless }, 'CONFIG_INVALID', /createBridgeNetwork/],
        [
          { ...rest, network, programs: { firecracker: undefined, jailer: undefined } },
          'CONFIG_HOST_UNSUITABLE',
          /doctor/,
        ],
      ] as const) {
        driver = await createFirecrackerDriver(change);
        const other = await made();
        await expect(other.start(startOptions())).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) });
        await other.destroy();
      }
    },
    TIMEOUT_MS,
  );

  it(
    'takes away nothing that only looks like its own, and nothing of a machine that runs',
    async () => {
      const jails = join(directory, 'data', 'jails');
      for (const name of ['firecracker/m-1', 'firecracker/other-12345678', 'elsewhere/notes']) {
        await mkdir(join(jails, name), { recursive: true });
      }
      await mkdir(join(directory, 'data', 'firecracker', 'notes'));
      await (await made()).start(startOptions());
      expect(await driver.reconcile()).toEqual([]);
      expect((await driver.list())[0]?.running).toBe(true);
      expect((await readdir(jails, { recursive: true })).filter((name) => /m-1$|other|notes/.test(name)).length).toBe(
        3,
      );
      expect(await readdir(join(directory, 'data', 'firecracker'))).toContain('notes');
    },
    TIMEOUT_MS,
  );
});
