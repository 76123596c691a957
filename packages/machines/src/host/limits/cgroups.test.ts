import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findOwnCgroups } from './cgroup-files.ts';
import { openCgroupsV1 } from './cgroup-v1.ts';
import { openCgroupsV2 } from './cgroup-v2.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sallyport-cgroups-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const limits = { memoryBytes: 1024 ** 3, processes: 100 };

function proc(cgroup: string, mountinfo: readonly string[]): string {
  writeFileSync(join(directory, 'cgroup'), cgroup);
  writeFileSync(join(directory, 'mountinfo'), mountinfo.join('\n'));
  return directory;
}

describe('the control groups of this process', () => {
  it('are found on a host with version 2 alone', async () => {
    const own = await findOwnCgroups(
      proc('0::/system.slice/sallyport.service\n', [
        '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw',
      ]),
    );
    expect(own).toEqual([{ version: 2, directory: '/sys/fs/cgroup/system.slice/sallyport.service', controllers: [] }]);
  });

  it('are found on a hybrid host, each controller in its hierarchy', async () => {
    const own = await findOwnCgroups(
      proc('9:name=systemd:/\n5:cpu,cpuacct:/a\n4:memory:/b/c\n0::/\n', [
        '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
        '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd',
        '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      ]),
    );
    expect(own.map((group) => group.directory)).toEqual([
      '/sys/fs/cgroup/systemd',
      '/sys/fs/cgroup/cpu,cpuacct/a',
      '/sys/fs/cgroup/memory/b/c',
      '/sys/fs/cgroup/unified',
    ]);
  });

  it('are found below the part of the hierarchy that a container mounts, and nowhere else', async () => {
    const mount = '35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';
    const [inside] = await findOwnCgroups(proc('4:memory:/docker/abc/child\n', [mount]));
    expect(inside?.directory).toBe('/sys/fs/cgroup/memory/child');
    expect(await findOwnCgroups(proc('4:memory:/docker/other\n', [mount]))).toEqual([]);
  });

  it('are none where nothing is mounted', async () => {
    expect(await findOwnCgroups(proc('0::/\n', []))).toEqual([]);
    expect(await findOwnCgroups(join(directory, 'absent'))).toEqual([]);
  });
});

describe('cgroup version 1', () => {
  it('needs the memory and pids controllers', () => {
    const group = (controllers: readonly string[]) => ({ version: 1, directory, controllers }) as const;
    expect(openCgroupsV1([group(['memory']), group(['cpu'])])).toBeUndefined();
    expect(openCgroupsV1([group(['memory']), group(['pids'])])?.sentence).toBe('memory, pids by cgroup v1');
  });

  const groupWith = (name: string, files: readonly string[]): string => {
    mkdirSync(join(directory, name));
    for (const file of files) writeFileSync(join(directory, name, file), '');
    return join(directory, name);
  };
  const open = () => openCgroupsV1([{ version: 1, directory, controllers: ['memory', 'pids'] }]);

  it('limits memory and swap together to the memory', async () => {
    const group = groupWith('m-one', ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'pids.max']);
    expect(await open()?.create('m-one', limits)).toEqual({ directories: [group], limitsSwap: true });
    const written = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'].map((file) =>
      readFileSync(join(group, file), 'utf8'),
    );
    expect(written).toEqual([String(1024 ** 3), String(1024 ** 3)]);
  });

  it('does without, and says so, in a kernel that does not account for swap', async () => {
    const group = groupWith('m-one', ['memory.limit_in_bytes', 'pids.max']);
    expect(await open()?.create('m-one', limits)).toEqual({ directories: [group], limitsSwap: false });
    expect(readFileSync(join(group, 'memory.limit_in_bytes'), 'utf8')).toBe(String(1024 ** 3));
    expect(existsSync(join(group, 'memory.memsw.limit_in_bytes'))).toBe(false);
  });
});

describe('cgroup version 2', () => {
  // Files stand in for the kernel's: they keep what is written, and nobody enforces it.
  const own = (): readonly [{ version: 2; directory: string; controllers: [] }] => [
    { version: 2, directory, controllers: [] },
  ];
  const groupWith = (name: string, files = ['memory.max', 'memory.swap.max', 'pids.max']): string => {
    mkdirSync(join(directory, name));
    for (const file of files) writeFileSync(join(directory, name, file), '');
    return join(directory, name);
  };

  it('enables the controllers for its children and writes the limits of each machine', async () => {
    writeFileSync(join(directory, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
    const host = await openCgroupsV2(own());
    expect(readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids +cpu');
    const group = groupWith('sallyport-m-one');
    expect(await host?.create('sallyport-m-one', limits)).toEqual({ directories: [group], limitsSwap: true });
    expect(
      ['memory.max', 'memory.swap.max', 'pids.max'].map((file) => readFileSync(join(group, file), 'utf8')),
    ).toEqual([String(1024 ** 3), '0', '100']);
  });

  it('does without the limit of swap, and says so, in a kernel that does not account for it', async () => {
    writeFileSync(join(directory, 'cgroup.controllers'), 'memory pids\n');
    const host = await openCgroupsV2(own());
    const group = groupWith('sallyport-m-one', ['memory.max', 'pids.max']);
    expect(await host?.create('sallyport-m-one', limits)).toEqual({ directories: [group], limitsSwap: false });
    expect(readFileSync(join(group, 'pids.max'), 'utf8')).toBe('100');
  });

  it('is not used without the memory controller', async () => {
    writeFileSync(join(directory, 'cgroup.controllers'), 'cpu pids\n');
    expect(await openCgroupsV2(own())).toBeUndefined();
  });

  it('moves no processes of others, and leaves no group behind', async () => {
    writeFileSync(join(directory, 'cgroup.controllers'), 'memory pids\n');
    // Cannot be written, as in a group that has processes.
    mkdirSync(join(directory, 'cgroup.subtree_control'));
    writeFileSync(join(directory, 'cgroup.procs'), `${process.pid}\n1\n`);
    expect(await openCgroupsV2(own())).toBeUndefined();
    expect(existsSync(join(directory, 'sallyport-server'))).toBe(false);
    expect(readFileSync(join(directory, 'cgroup.procs'), 'utf8')).toBe(`${process.pid}\n1\n`);
  });
});
