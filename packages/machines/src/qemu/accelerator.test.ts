import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hostFiles } from '../host/host-files.ts';
import type { Image } from '../images/image.ts';
import { tryKvm } from './accelerator.ts';

const { signal } = new AbortController();
/** Never late: a fake that says nothing would keep the test waiting. */
const clock: Clock = {
  ...systemClock,
  deadline: (_ms, _reason, parent = signal) => ({ signal: parent, clear: () => {}, [Symbol.dispose]: () => {} }),
};

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-kvm-'));
  await mkdir(join(root, 'dev'));
  await writeFile(join(root, 'dev/kvm'), '');
});

afterEach(() => rm(root, { recursive: true }));

/** A QEMU that does what a script says, with its `-cpu` in `cpu`. */
async function probe(script: string, when: Clock = clock) {
  const program = join(root, 'qemu.mjs');
  const head = `#!${process.execPath}
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
const cpu = process.argv[process.argv.indexOf('-cpu') + 1];
appendFileSync(${JSON.stringify(join(root, 'tried'))}, cpu + '\\n');
const monitor = new Socket({ fd: 3 });
const say = (message) => monitor.write(JSON.stringify(message) + '\\n');
monitor.on('data', (text) => { for (const line of String(text).trim().split('\\n')) {
  const { execute, id } = JSON.parse(line);
  say({ return: { status }, id });
  if (execute === 'query-status') asked();
} });
say({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } } } });
let asked = () => {};
let status = 'running';
const boot = () => console.log('[ 0.9] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)');
`;
  await writeFile(program, head + script);
  await chmod(program, 0o755);
  const kernel: Image = {
    spec: 1,
    kind: 'kernel',
    name: 'kernel-0123456789abcdef',
    inputs: '',
    builtAt: '2026-11-24T00:00:00Z',
    files: {},
    programs: {},
    packages: [],
    directory: root,
  };
  return tryKvm({ program, kernel, signal, clock: when, files: hostFiles(root) });
}

const tried = () => readFile(join(root, 'tried'), 'utf8').catch(() => '');

describe('whether KVM runs guests', () => {
  it('is said by a kernel that comes to its root file system', async () => {
    expect(await probe('boot();')).toEqual({ works: true, found: 'a kernel booted with it', processor: 'host' });
    expect(await tried()).toBe('host\n');
  });

  it('is tried without arch-capabilities where QEMU ends over them, and the one that worked is kept', async () => {
    expect(await probe("if (cpu === 'host') process.exit(1); boot();")).toMatchObject({
      works: true,
      processor: 'host,-arch-capabilities',
    });
    expect(await tried()).toBe('host\nhost,-arch-capabilities\n');
  });

  it.each([
    ['while it is watched', "asked = () => say({ event: 'STOP' });"],
    ['before', "status = 'internal-error';"],
  ])('is denied at once when QEMU stops the guest over an internal error %s', async (_, line) => {
    expect(await probe(`console.log('Linux version 6.1'); ${line} setInterval(() => {}, 1000);`)).toEqual({
      works: false,
      found: '/dev/kvm is there, but no kernel boots with it',
    });
    expect(await tried()).toBe('host\nhost,-arch-capabilities\n');
  });

  it('is denied when a kernel begins and does not get there in time', async () => {
    const late: Clock = {
      ...systemClock,
      // The time is over once QEMU runs.
      deadline: (_ms, reason, parent = signal) => {
        const over = new AbortController();
        const isRunning = () => access(join(root, 'tried'));
        void expect
          .poll(() =>
            isRunning().then(
              () => true,
              () => false,
            ),
          )
          .toBe(true)
          .finally(() => over.abort(reason()));
        return { signal: AbortSignal.any([parent, over.signal]), clear: () => {}, [Symbol.dispose]: () => {} };
      },
    };
    expect(await probe("console.log('Linux version 6.1'); setInterval(() => {}, 1000);", late)).toMatchObject({
      works: false,
    });
  });

  it('is denied without an attempt where KVM is absent or is kvm_pvm', async () => {
    await mkdir(join(root, 'sys/module/kvm_pvm'), { recursive: true });
    expect(await probe('boot();')).toEqual({ works: false, found: '/dev/kvm is there, but its kvm_pvm runs no guest' });
    await rm(join(root, 'dev/kvm'));
    expect(await probe('boot();')).toEqual({ works: false, found: '/dev/kvm is absent' });
    expect(await tried()).toBe('');
  });
});
