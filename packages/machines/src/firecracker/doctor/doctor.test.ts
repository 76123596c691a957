import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { KvmVerdict } from '../../qemu/accelerator.ts';
import { checkFirecrackerHost } from './check-firecracker-host.ts';
import type { FirecrackerHost } from './check-firecracker-host.ts';
import { isDynamic } from './programs.ts';

const cpu = '/sys/devices/system/cpu';
/** A host as it should be. */
const good: Readonly<Record<string, string>> = {
  '/dev/kvm': '',
  '/proc/cpuinfo': 'processor\t: 0\nvendor_id\t: GenuineIntel\nmicrocode\t: 0x2b000620\nflags\t\t: fpu vmx sse\n',
  '/dev/userfaultfd': '',
  '/proc/sys/vm/unprivileged_userfaultfd': '0\n',
  '/proc/sys/kernel/soft_watchdog': '1\n',
  '/proc/sys/kernel/watchdog_thresh': '10\n',
  '/sys/module/kvm/parameters/min_timer_period_us': '200\n',
  '/proc/cmdline': 'root=/dev/sda1 quiet loglevel=1 nosmt=force\n',
  '/proc/sys/kernel/printk': '1\t4\t1\t7\n',
  '/proc/sys/kernel/osrelease': '6.1.0-40-amd64\n',
  '/proc/mounts': '/dev/sda1 / ext4 rw,relatime 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n',
  '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  '/sys/kernel/mm/ksm/run': '0\n',
  [`${cpu}/smt/control`]: 'forceoff\n',
  [`${cpu}/smt/active`]: '0\n',
  [`${cpu}/vulnerabilities/meltdown`]: 'Mitigation: PTI\n',
  [`${cpu}/vulnerabilities/itlb_multihit`]: 'Not affected\n',
  '/sys/devices/system/edac/mc/mc0/ce_count': '0\n',
  '/sys/module/kvm/parameters/nx_huge_pages': 'never\n',
};
const dataDirectory = '/srv/sallyport';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  for (const [path, text] of Object.entries(good)) {
    await put(path, text);
  }
});

afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text, { mode: 0o660 });
}

async function program(name: string, version: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\n[ "$*" = --version ] && echo "${version}" && echo && echo more\n`, { mode: 0o755 });
  return path;
}

async function check(
  change: Readonly<Record<string, string | undefined>> = {},
  user = 0,
  tryKvm: FirecrackerHost['tryKvm'] = async () => undefined,
) {
  for (const [path, text] of Object.entries(change)) {
    await (text === undefined ? rm(join(root, path), { recursive: true }) : put(path, text));
  }
  const programs = {
    firecracker: await program('firecracker', 'Firecracker v1.16.1'),
    jailer: await program('jailer', 'Jailer v1.16.1'),
  };
  return checkFirecrackerHost({ dataDirectory, root, user, programs, tryKvm });
}

describe('the doctor of a host for Firecracker', () => {
  it('finds nothing wrong with a host as it should be', async () => {
    const checks = await check();
    expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(checks.map(({ name, found }) => `${name}: ${found}`)).toMatchInlineSnapshot(`
      [
        "firecracker: version 1.16.1",
        "jailer: version 1.16.1",
        "root: the server runs as root, as the jailer needs; machines do not",
        "KVM: /dev/kvm opens; without QEMU and a kernel image no guest was tried",
        "host kernel: 6.1.0-40-amd64",
        "control groups: version 2 with cpu, io, memory, pids",
        "jails: /srv/sallyport",
        "processor threads (SMT): forceoff",
        "page merging (KSM): off",
        "processor vulnerabilities: 2 known, none open",
        "microcode: version 0x2b000620; the kernel cannot tell whether it is old",
        "swap: none",
        "memory: errors in memory are noticed",
        "KVM huge pages: nx_huge_pages=never",
        "kernel messages: console log level 1",
        "userfaultfd: for root alone; snapshots are loaded from files without it",
        "soft lockup watchdog: on: after 20 s the kernel logs "soft lockup"",
        "timer threads (kvm-pit): none now; timers of guests fire every 200 µs at most",
      ]
    `);
  });

  it.each([
    ['KVM', 'missing', 'though the processor could', { '/dev/kvm': undefined }],
    ['KVM', 'missing', 'shows no vmx or svm', { '/dev/kvm': undefined, '/proc/cpuinfo': 'flags : fpu' }],
    ['KVM', 'missing', 'kvm_pvm runs no guest', { '/sys/module/kvm_pvm/parameters/x': '' }],
    ['host kernel', 'missing', '4.14.1', { '/proc/sys/kernel/osrelease': '4.14.1' }],
    ['host kernel', 'missing', '5.4.0', { '/proc/sys/kernel/osrelease': '5.4.0' }],
    ['host kernel', 'degraded', '6.12.3', { '/proc/sys/kernel/osrelease': '6.12.3' }],
    ['control groups', 'missing', 'no version 2', { '/sys/fs/cgroup/cgroup.controllers': undefined }],
    ['control groups', 'missing', 'without io, pids', { '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu memory' }],
    ['jails', 'missing', 'mounted with nodev', { '/proc/mounts': '/dev/sdb /srv ext4 rw,nosuid,nodev 0 0' }],
    ['processor threads (SMT)', 'degraded', 'on', { [`${cpu}/smt/control`]: 'on', [`${cpu}/smt/active`]: '1' }],
    ['page merging (KSM)', 'degraded', 'on', { '/sys/kernel/mm/ksm/run': '1' }],
    [
      'processor vulnerabilities',
      'degraded',
      'open: mds',
      { [`${cpu}/vulnerabilities/mds`]: 'Vulnerable: Clear CPU buffers attempted, no microcode' },
    ],
    ['swap', 'degraded', '/dev/sda2', { '/proc/swaps': 'Filename Type\n/dev/zram0 partition\n/dev/sda2 partition' }],
    ['memory', 'degraded', 'no memory with ECC', { '/sys/devices/system/edac/mc/mc0': undefined }],
    ['KVM huge pages', 'degraded', 'slows each start', { '/sys/module/kvm/parameters/nx_huge_pages': 'Y' }],
    [
      'kernel messages',
      'degraded',
      'log level 7',
      { '/proc/sys/kernel/printk': '7 4 1 7', '/proc/cmdline': 'root=/dev/sda1 quiet' },
    ],
    [
      'microcode',
      'degraded',
      'none is loaded',
      { '/proc/cpuinfo': 'vendor_id\t: AuthenticAMD\nmicrocode\t: 0x0\nflags\t: fpu svm' },
    ],
    ['microcode', 'degraded', 'turned off', { '/proc/cmdline': 'quiet loglevel=1 dis_ucode_ldr' }],
    ['microcode', 'degraded', 'to be old', { [`${cpu}/vulnerabilities/old_microcode`]: 'Vulnerable' }],
    [
      'microcode',
      'degraded',
      'processors differ: 0x1, 0x2',
      { '/proc/cpuinfo': 'vendor_id : GenuineIntel\nmicrocode : 0x1\nflags : vmx\nmicrocode : 0x2\n' },
    ],
    ['userfaultfd', 'degraded', 'page faults of the kernel', { '/proc/sys/vm/unprivileged_userfaultfd': '1' }],
    ['soft lockup watchdog', 'degraded', 'off', { '/proc/sys/kernel/soft_watchdog': '0' }],
    ['soft lockup watchdog', 'degraded', 'off', { '/proc/sys/kernel/watchdog_thresh': '0' }],
    ['soft lockup watchdog', 'degraded', 'has none', { '/proc/sys/kernel/soft_watchdog': undefined }],
    [
      'timer threads (kvm-pit)',
      'degraded',
      '1 outside the control group of their machine (pid 77)',
      {
        '/proc/77/comm': 'kvm-pit/70\n',
        '/proc/77/cgroup': '0::/\n',
        '/proc/78/comm': 'kvm-pit/71\n',
        '/proc/78/cgroup': '0::/sallyport/m-one-12345678\n',
        '/proc/79/comm': 'kthreadd\n',
        '/proc/79/cgroup': '0::/\n',
      },
    ],
  ])('says that %s is %s: %s', async (name, state, found, change) => {
    const checks = await check(change);
    expect(checks.filter((one) => one.state !== 'ok')).toEqual([
      { name, state, found: expect.stringContaining(found), fix: expect.stringMatching(/.{10}/) },
    ]);
  });

  it.each([
    ['compressed memory, which is not a disk', { '/proc/swaps': 'Filename Type\n/dev/zram0 partition' }],
    ['threads that no kernel started', { [`${cpu}/smt/control`]: 'on' }],
    [
      'a mitigation that this processor needs',
      {
        '/sys/module/kvm/parameters/nx_huge_pages': 'Y',
        [`${cpu}/vulnerabilities/itlb_multihit`]: 'KVM: Mitigation: Split huge pages',
      },
    ],
    [
      'another file system, below or beside the directory',
      {
        '/proc/mounts':
          '/dev/a / ext4 rw 0 0\n/dev/b /srv/sally ext4 nodev 0 0\n/dev/c /srv/sallyport/x ext4 noexec 0 0',
      },
    ],
    [
      'microcode that a virtual host does not load itself',
      { '/proc/cpuinfo': 'vendor_id : GenuineIntel\nflags : fpu vmx hypervisor\n' },
    ],
    ['microcode that is not of x86', { '/proc/cpuinfo': 'processor : 0\nCPU implementer : 0x41\n' }],
    [
      'a kernel without userfaultfd',
      { '/dev/userfaultfd': undefined, '/proc/sys/vm/unprivileged_userfaultfd': undefined },
    ],
    [
      'a timer thread in the control group of its machine',
      { '/proc/78/comm': 'kvm-pit/71\n', '/proc/78/cgroup': '0::/sallyport/m-one-12345678\n' },
    ],
    ['a file system over another', { '/proc/mounts': '/dev/a /srv ext4 nodev 0 0\n/dev/b /srv ext4 rw 0 0' }],
  ])('does not mind %s', async (_, change) => {
    expect((await check(change)).filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('boots a guest where it can, and says what became of it', async () => {
    const kvm = async (verdict: KvmVerdict) =>
      (await check({}, 0, async () => verdict)).find(({ name }) => name === 'KVM');
    expect(await kvm({ works: true, found: 'a kernel booted with it', processor: 'host' })).toEqual({
      name: 'KVM',
      state: 'ok',
      found: 'a kernel booted with it',
    });
    expect(await kvm({ works: false, found: 'no kernel boots with it' })).toMatchObject({
      state: 'missing',
      found: 'no kernel boots with it',
    });
  });

  it('finds a device for page faults that everybody may open', async () => {
    await chmod(join(root, '/dev/userfaultfd'), 0o666);
    expect((await check()).find(({ name }) => name === 'userfaultfd')).toMatchObject({
      state: 'degraded',
      fix: 'sudo chmod o-rw /dev/userfaultfd',
    });
  });

  it('names the package with the microcode of the vendor', async () => {
    const cpuinfo = 'vendor_id : AuthenticAMD\nflags : fpu svm\n';
    expect((await check({ '/proc/cpuinfo': cpuinfo })).find(({ name }) => name === 'microcode')).toMatchObject({
      state: 'degraded',
      fix: 'Install amd64-microcode, and restart the host',
    });
  });

  it('asks for root, and for directories that root alone can change', async () => {
    const user = (await check({}, 1000)).find(({ name }) => name === 'root');
    expect(user).toMatchObject({ state: 'missing', found: 'the server does not run as root' });
    await mkdir(join(root, dataDirectory), { recursive: true, mode: 0o777 });
    await chmod(join(root, dataDirectory), 0o777);
    const jails = (await check()).find(({ name }) => name === 'jails');
    expect(jails).toMatchObject({ state: 'missing', found: 'others than root may change /srv/sallyport' });
  });

  it('refuses a directory whose sockets could not be reached', async () => {
    const [jails] = (await checkFirecrackerHost({ dataDirectory: `/${'x'.repeat(90)}`, root, user: 0 })).filter(
      ({ name }) => name === 'jails',
    );
    expect(jails).toMatchObject({ state: 'missing', found: expect.stringContaining('too long') });
  });

  it('wants both programs, of one version, which is the one it speaks to', async () => {
    const firecracker = await program('firecracker', 'Firecracker v1.16.1');
    const jailer = await program('jailer', 'Jailer v1.16.0');
    const states = async (programs: { firecracker: string | undefined; jailer: string | undefined }) =>
      (await checkFirecrackerHost({ dataDirectory, root, user: 0, programs }))
        .slice(0, 2)
        .map(({ state, found }) => `${state}: ${found}`);
    expect(await states({ firecracker: undefined, jailer: undefined })).toEqual([
      'missing: not installed',
      'missing: not installed',
    ]);
    expect(await states({ firecracker, jailer })).toEqual([
      'ok: version 1.16.1',
      'missing: version 1.16.0, which is not that of Firecracker',
    ]);
    const other = await program('other', 'Firecracker v1.17.0-dev');
    const broken = await program('broken', 'no such thing');
    expect(await states({ firecracker: other, jailer: broken })).toEqual([
      'missing: version 1.17.0-dev; this server speaks to 1.16',
      'missing: version unknown, which is not that of Firecracker',
    ]);
  });

  it('tells a program that needs the libraries of a system from one that brings its own', async () => {
    expect(await isDynamic(process.execPath)).toBe(true);
    const head = Buffer.alloc(64 + 56 * 2);
    head.write('\u007fELF', 'latin1');
    head.writeBigUInt64LE(64n, 32);
    head.writeUInt16LE(56, 54);
    head.writeUInt16LE(2, 56);
    head.writeUInt32LE(1, 64);
    const path = join(root, 'static');
    await writeFile(path, head);
    expect(await isDynamic(path)).toBe(false);
    head.writeUInt32LE(3, 64 + 56);
    await writeFile(path, head);
    expect(await isDynamic(path)).toBe(true);
  });
});
