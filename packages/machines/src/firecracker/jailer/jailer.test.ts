import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { defaultRateLimits } from '../rate-limits.ts';
import { jailerCommand } from './command-line.ts';
import type { JailedMachine } from './command-line.ts';
import { deviceNumber, diskLimit, diskOf, findDisk, limitDisk } from './disk-limit.ts';
import { populateJail } from './populate.ts';
import { jailLayout } from './layout.ts';

const machine: JailedMachine = {
  id: 'm-abcdefghij234567klmn-1',
  jailer: '/opt/fc/1.16.1/jailer',
  firecracker: '/opt/fc/1.16.1/firecracker',
  baseDirectory: '/srv/jailer',
  user: 230_017,
  namespace: '/run/netns/sallyport-17',
  plan: { memoryMb: 256, vcpus: 1, diskMb: 1024 },
};
const uid = process.geteuid?.() ?? 0;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
});

afterEach(() => rm(root, { recursive: true }));

describe("the jailer's command line", () => {
  it('is this one', () => {
    expect(jailerCommand(machine)).toEqual([
      '/opt/fc/1.16.1/jailer',
      '--id',
      'm-abcdefghij234567klmn-1',
      '--exec-file',
      '/opt/fc/1.16.1/firecracker',
      '--uid',
      '230017',
      '--gid',
      '230017',
      '--chroot-base-dir',
      '/srv/jailer',
      '--netns',
      '/run/netns/sallyport-17',
      '--cgroup-version',
      '2',
      '--parent-cgroup',
      'sallyport',
      '--cgroup',
      'memory.max=300M',
      '--cgroup',
      'memory.swap.max=0',
      '--cgroup',
      'cpu.max=100000 100000',
      '--cgroup',
      'pids.max=64',
      '--resource-limit',
      'fsize=1090519040',
      '--resource-limit',
      'no-file=1024',
      '--new-pid-ns',
      '--daemonize',
      '--',
      '--api-sock',
      '/run/fc.sock',
    ]);
  });

  it('gives a machine with more processors more time, and one with more memory a larger file to write it to', () => {
    const line = jailerCommand({ ...machine, plan: { memoryMb: 1536, vcpus: 2, diskMb: 512 } });
    expect(line).toContain('cpu.max=200000 100000');
    expect(line).toContain('memory.max=1580M');
    expect(line).toContain(`fsize=${(1536 + 16) * 1024 * 1024}`);
  });

  it('has no control that the jailer would refuse, and leaves the filter of system calls alone', () => {
    const line = jailerCommand(machine);
    const controls = line.filter((_, index) => line[index - 1] === '--cgroup');
    expect(controls.map((control) => control.split('=').length)).toEqual(controls.map(() => 2));
    expect(line.filter((word) => word.includes('seccomp'))).toEqual([]);
  });

  it('is not made for an id that is not one', () => {
    expect(() => jailerCommand({ ...machine, id: '../x' })).toThrow(/cannot be the id/);
  });
});

describe('a jail', () => {
  it('is where the jailer puts it', () => {
    expect(jailLayout('/srv/jailer', '/opt/fc/firecracker-v1.16.1', 'm-1')).toEqual({
      directory: '/srv/jailer/firecracker-v1.16.1/m-1',
      root: '/srv/jailer/firecracker-v1.16.1/m-1/root',
      pidFile: '/srv/jailer/firecracker-v1.16.1/m-1/root/firecracker-v1.16.1.pid',
      apiSocket: '/srv/jailer/firecracker-v1.16.1/m-1/root/run/fc.sock',
      vsock: '/srv/jailer/firecracker-v1.16.1/m-1/root/v.sock',
      cgroup: 'sallyport/m-1',
    });
  });

  it('is refused where its socket could not be reached', () => {
    expect(() => jailLayout(`/${'x'.repeat(80)}`, '/opt/firecracker', 'm-1')).toThrow(/Linux allows 107/);
  });

  it('has what the machine is to find, shared files unchanged and its own for itself alone', async () => {
    const [base, own] = [join(root, 'base.ext4'), join(root, 'own.ext4')];
    await writeFile(base, 'base', { mode: 0o644 });
    await writeFile(own, 'own', { mode: 0o666 });
    const layout = jailLayout(root, '/opt/firecracker', 'm-1');
    await populateJail(
      layout,
      [
        { from: base, to: '/base.ext4', own: false },
        { from: own, to: '/own.ext4', own: true },
      ],
      uid,
    );
    expect(await readFile(join(layout.root, 'base.ext4'), 'utf8')).toBe('base');
    expect((await stat(join(layout.root, 'base.ext4'))).mode & 0o777).toBe(0o644);
    expect((await stat(join(layout.root, 'own.ext4'))).ino).toBe((await stat(own)).ino);
    expect((await stat(own)).mode & 0o777).toBe(0o600);
    expect((await stat(layout.directory)).mode & 0o777).toBe(0o700);
  });

  it('is refused where one is, and what is in that stays', async () => {
    const layout = jailLayout(root, '/opt/firecracker', 'm-1');
    await mkdir(layout.root, { recursive: true });
    await writeFile(join(layout.root, 'left'), 'by another machine');
    await expect(populateJail(layout, [], uid)).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    expect(await readdir(layout.root)).toEqual(['left']);
  });

  it('is taken away again when something for it is missing', async () => {
    const layout = jailLayout(root, '/opt/firecracker', 'm-1');
    const files = [{ from: join(root, 'none'), to: '/own.ext4', own: true }];
    await expect(populateJail(layout, files, uid)).rejects.toThrow('ENOENT');
    expect(await readdir(dirname(layout.directory))).toEqual([]);
  });
});

describe("the bound on a machine's disk", () => {
  it('is four times what the guest may ask for', () => {
    expect(diskLimit('259:0', defaultRateLimits.disk)).toBe(
      '259:0 rbps=209715200 wbps=209715200 riops=16000 wiops=16000',
    );
    expect(diskLimit('259:0', { ops: { size: 10, refill_time: 100 } })).toBe('259:0 riops=400 wiops=400');
  });

  it('is written before the jailer comes, with the controller turned on above it', async () => {
    await limitDisk(jailLayout('/srv', '/opt/firecracker', 'm-1'), '8:0', defaultRateLimits.disk, root);
    expect(await readFile(join(root, 'cgroup.subtree_control'), 'utf8')).toBe('+io');
    expect(await readFile(join(root, 'sallyport', 'cgroup.subtree_control'), 'utf8')).toBe('+io');
    expect(await readFile(join(root, 'sallyport', 'm-1', 'io.max'), 'utf8')).toMatch(/^8:0 rbps=/);
  });

  it('is refused for a control group that an earlier machine left', async () => {
    await mkdir(join(root, 'sallyport', 'm-1'), { recursive: true });
    const layout = jailLayout('/srv', '/opt/firecracker', 'm-1');
    await expect(limitDisk(layout, '8:0', defaultRateLimits.disk, root)).rejects.toThrow('EEXIST');
  });

  it('is for the whole disk that a file is on', async () => {
    const disk = join(root, 'devices', 'nvme0n1');
    await mkdir(join(disk, 'nvme0n1p2'), { recursive: true });
    await mkdir(join(root, 'dev', 'block'), { recursive: true });
    await writeFile(join(disk, 'dev'), '259:0\n');
    await writeFile(join(disk, 'nvme0n1p2', 'partition'), '2\n');
    await symlink(disk, join(root, 'dev', 'block', '259:0'));
    await symlink(join(disk, 'nvme0n1p2'), join(root, 'dev', 'block', '259:2'));
    expect(await diskOf('259:2', root)).toBe('259:0');
    expect(await diskOf('259:0', root)).toBe('259:0');
    expect(await diskOf('0:42', root)).toBeUndefined();
    expect(await findDisk('/proc/self')).toBeUndefined();
  });

  it('knows both numbers of a device out of one', () => {
    expect(deviceNumber(0x10302n)).toBe('259:2');
    expect(deviceNumber(0x800n | (0x12n << 20n) | 0x34n)).toBe('8:4660');
  });
});
