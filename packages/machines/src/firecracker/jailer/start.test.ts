import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { identifyProcess } from '../../host/process.ts';
import { becomeFakeFirecracker } from '../__fixtures__/fake-program.ts';
import { jail } from '../boot-sequence.ts';
import { put } from '../request.ts';
import { stopVmm } from '../stop.ts';
import { jailLayout } from './layout.ts';
import { listJails, removeJail } from './remove.ts';
import { startJailed } from './start.ts';
import type { JailedVmm, JailStart } from './start.ts';

const fixtures = join(import.meta.dirname, '..', '__fixtures__');
/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
const token = new Secret('canary-boot-token-0123456789-0123456789');

let root: string;
let options: JailStart;
let watch: AbortController;
let started: JailedVmm[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  watch = new AbortController();
  started = [];
  const [own, namespace] = [join(root, 'own.ext4'), join(root, 'netns')];
  await mkdir(join(root, 'jails'));
  await mkdir(join(root, 'cgroups'));
  await writeFile(own, 'own');
  await writeFile(namespace, '');
  options = {
    machine: {
      id: 'm-1-1',
      jailer: await program('jailer', `exec ${process.execPath} ${join(fixtures, 'fake-jailer.mjs')} "$@"`),
      firecracker: await program('firecracker', becomeFakeFirecracker()),
      baseDirectory: join(root, 'jails'),
      user: process.geteuid?.() ?? 0,
      namespace,
      plan: { memoryMb: 256, vcpus: 1, diskMb: 64 },
    },
    files: [{ from: own, to: jail.own, own: true }],
    clock: systemClock,
    token,
    groups: groups(),
    watch: watch.signal,
  };
});

afterEach(async () => {
  for (const { process: known } of started) {
    await removeJail(layout(), { process: known, groups: groups(), clock: systemClock });
  }
  watch.abort();
  await rm(root, { recursive: true });
});

const groups = () => ({
  mount: join(root, 'cgroups'),
  remove: (folder: string) => rm(folder, { recursive: true }),
});
const jails = async (base: string) => (await listJails(base)).map(({ id }) => id);
const layout = () => jailLayout(options.machine.baseDirectory, options.machine.firecracker, options.machine.id);

async function program(name: string, line: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\n${line}\n`);
  await chmod(path, 0o755);
  return path;
}

async function start(change: Partial<JailStart> = {}): Promise<JailedVmm> {
  const running = await startJailed({ ...options, ...change }, signal);
  started.push(running);
  return running;
}

describe('Firecracker in a jail', () => {
  it('answers on its socket, and leaves nothing when it is removed', async () => {
    const running = await start();
    expect(await running.api.send({ method: 'GET', path: '/' }, signal)).toMatchObject({ id: 'm-1-1' });
    expect(await identifyProcess(running.process.pid)).toEqual(running.process);
    expect(await readFile(join(running.layout.root, jail.own), 'utf8')).toBe('own');
    expect(await jails(options.machine.baseDirectory)).toEqual(['m-1-1']);
    await running.remove();
    expect(await identifyProcess(running.process.pid)).toBeUndefined();
    expect(await jails(options.machine.baseDirectory)).toEqual([]);
    expect(await running.vmm.exited).toEqual({ code: null, signal: null });
    await running.remove();
  });

  it('is stopped like any other, though it is nobody’s child', async () => {
    const running = await start();
    await running.api.send(put('/machine-config', { vcpu_count: 1, mem_size_mib: 256 }), signal);
    const reboot = () => Promise.reject(new Error('no agent'));
    await stopVmm({ ...running, clock: systemClock, reboot }, 0);
    expect(await identifyProcess(running.process.pid)).toBeUndefined();
  });

  it.each([
    ['bad syscall (16).', { code: 148, signal: null }],
    ['signal 25, code 0.', { code: 151, signal: null }],
  ])('says in its log how it ended: %s', async (what, exit) => {
    const running = await start();
    const words = what.startsWith('bad') ? `a ${what}` : what;
    await appendFile(
      join(running.layout.root, jail.log),
      `${'x\n'.repeat(20_000)}2026-11-24T13:00:00 [m-1-1:fc_vmm:ERROR] Shutting down VM after intercepting ${words}\n`,
    );
    await running.vmm.kill('SIGKILL');
    expect(await running.vmm.exited).toEqual(exit);
  });

  it('may say as much as it likes: what is kept of it has a bound, and no token in it', async () => {
    const running = await start();
    const pipe = join(running.layout.root, jail.serial);
    for (let round = 0; round < 64; round++) await appendFile(pipe, `${'x'.repeat(32 * 1024)}\n`);
    await appendFile(pipe, `a guest that prints ${token.reveal()}, its last words`);
    await expect.poll(() => running.outputs.console()).toMatch(/x\na guest that prints \[token\], its last words$/);
    expect(running.outputs.console().length).toBeLessThanOrEqual(64 * 1024);
    expect((await stat(pipe)).isFIFO()).toBe(true);
  });

  it('is not started where a jail of its name is, which stays as it was', async () => {
    await mkdir(layout().root, { recursive: true });
    await writeFile(join(layout().root, 'left'), 'by another');
    await expect(start()).rejects.toThrow('cannot be made');
    expect(await readdir(layout().root)).toEqual(['left']);
  });

  it('leaves nothing when the jailer refuses, and repeats what it said', async () => {
    const machine = { ...options.machine, namespace: join(root, 'none') };
    await expect(start({ machine })).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      message: expect.stringMatching(
        /^The jailer could not start Firecracker: Jailer error: Failed to open file .*none/,
      ),
    });
    expect(await jails(machine.baseDirectory)).toEqual([]);
  });

  it.each([
    ['ends at once', 'exit 1', /^Firecracker ended/],
    ['is killed while it starts', 'kill -9 $$', /^Firecracker ended/],
  ])('leaves nothing when Firecracker %s', async (_, line, message) => {
    const machine = { ...options.machine, firecracker: await program('firecracker', line) };
    await expect(start({ machine })).rejects.toThrow(message);
    expect(await jails(machine.baseDirectory)).toEqual([]);
  });

  it.each(['no-file', 'empty-file'])('waits for its number while there is %s yet', async (place) => {
    await mkdir(join(root, 'cgroups', 'sallyport'));
    const stop = join(root, 'cgroups', 'sallyport', `stop-at-${place}`);
    await writeFile(stop, '');
    const looks: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms, alive) => {
        // The jailer writes no number before the second look.
        if (looks.push(ms) === 2) await rm(stop);
        await new Promise((resolve) => void setImmediate(resolve));
        alive?.throwIfAborted();
      },
    };
    const running = await start({ clock });
    expect(looks.length).toBeGreaterThanOrEqual(2);
    expect(await readFile(running.layout.pidFile, 'utf8')).toBe(String(running.process.pid));
  });

  it.each(['no-file', 'empty-file'])('ends with its jailer when there is %s for too long', async (place) => {
    const pids = join(root, 'pid');
    await mkdir(join(root, 'cgroups', 'sallyport'));
    await writeFile(join(root, 'cgroups', 'sallyport', `stop-at-${place}`), '');
    const machine = {
      ...options.machine,
      firecracker: await program('firecracker', `echo $$ > ${pids}.new; mv ${pids}.new ${pids}; exec sleep 600`),
    };
    let members: readonly string[] = [];
    const late = new AbortController();
    async function endOnceItRuns(reason: unknown): Promise<void> {
      await expect.poll(() => readFile(pids, 'utf8').catch(() => '')).not.toBe('');
      members = (await readFile(join(root, 'cgroups', 'sallyport', 'm-1-1', 'cgroup.procs'), 'utf8')).split('\n');
      late.abort(reason);
    }
    const clock: Clock = {
      ...systemClock,
      // Its time is over once Firecracker runs, whose number nobody has written down.
      deadline: (_ms, reason) => {
        void endOnceItRuns(reason());
        return { signal: late.signal, clear: () => {}, [Symbol.dispose]: () => {} };
      },
    };
    await expect(startJailed({ ...options, machine, clock }, signal)).rejects.toMatchObject({
      code: 'MACHINE_TIMED_OUT',
      message: 'The jailer did not start Firecracker within 20000 ms.',
    });
    expect(members).toContain((await readFile(pids, 'utf8')).trim());
    for (const pid of members.filter((member) => member !== '')) {
      expect(await identifyProcess(Number(pid)), pid).toBeUndefined();
    }
    expect(await jails(machine.baseDirectory)).toEqual([]);
  });

  it('leaves nothing, and nothing running, when the signal says so', async () => {
    const pids = join(root, 'pid');
    const machine = {
      ...options.machine,
      firecracker: await program('firecracker', `echo $$ > ${pids}.new; mv ${pids}.new ${pids}; exec sleep 600`),
    };
    const mind = new AbortController();
    const starting = startJailed({ ...options, machine }, mind.signal);
    await expect.poll(() => readFile(pids, 'utf8').catch(() => '')).not.toBe('');
    mind.abort(new Error('changed my mind'));
    await expect(starting).rejects.toThrow('changed my mind');
    expect(await identifyProcess(Number(await readFile(pids, 'utf8')))).toBeUndefined();
    expect(await jails(machine.baseDirectory)).toEqual([]);
  });
});

describe('what a server that died left of a jail', () => {
  it('is ended by what its control group says, where nobody noted the process', async () => {
    const running = await start();
    await removeJail(layout(), { groups: groups(), clock: systemClock });
    expect(await identifyProcess(running.process.pid)).toBeUndefined();
    expect(await readdir(join(root, 'cgroups', 'sallyport'))).not.toContain('m-1-1');
    expect(await jails(options.machine.baseDirectory)).toEqual([]);
  });

  it('is nothing where there never was a jail', async () => {
    expect(await listJails(join(root, 'none'))).toEqual([]);
    await removeJail(layout(), { groups: groups(), clock: systemClock });
  });
});
