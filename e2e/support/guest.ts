import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { agentBundle } from '@sallyport/agent';
import type { BootConfig } from '@sallyport/core';
import { INITRD_FILE, KERNEL_FILE, ROOT_FILE } from '@sallyport/machines';
import type { Image } from '@sallyport/machines';

const run = promisify(execFile);

/** A guest in QEMU without hardware help, as bare as it can be: what the images promise, and no driver in between. */
export interface Guest {
  /** Leads to the agent's port 8080. */
  readonly origin: string;
  console(): Promise<string>;
  /** Presses Ctrl-Alt-Del, and waits until the machine is off. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface GuestOptions {
  readonly folder: string;
  readonly kernel: Image;
  readonly root: Image;
  readonly memoryMb: number;
  readonly boot: BootConfig;
}

export async function startGuest({ folder, kernel, root, memoryMb, boot }: GuestOptions): Promise<Guest> {
  const drive = join(folder, 'drive');
  await mkdir(join(drive, 'boot'), { recursive: true });
  await cp(agentBundle().directory, join(drive, 'agent'), { recursive: true });
  await writeFile(join(drive, 'boot', 'config.json'), JSON.stringify(boot));
  const [agentDrive, disk] = [join(folder, 'agent.ext4'), join(folder, 'disk.ext4')];
  await makeDisk(agentDrive, 32, drive);
  await makeDisk(disk, 64);
  const port = await freePort();
  const [qmp, serial] = [join(folder, 'qmp'), join(folder, 'console')];
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      '-accel tcg,tb-size=64 -cpu max -M pc -smp 1 -nodefaults -no-user-config -nographic -no-reboot'.split(' '),
      ['-m', String(memoryMb), '-serial', `file:${serial}`, '-qmp', `unix:${qmp},server=on,wait=off`],
      ['-kernel', join(kernel.directory, KERNEL_FILE), '-initrd', join(kernel.directory, INITRD_FILE)],
      ['-append', `${COMMAND_LINE} ip=10.0.2.15::10.0.2.2:255.255.255.0:${boot.machineId}:eth0:off`],
      blockDevice('root', `${join(root.directory, ROOT_FILE)},readonly=on`),
      blockDevice('disk', disk),
      blockDevice('agent', `${agentDrive},readonly=on`),
      ['-netdev', `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:8080`],
      ['-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci'],
    ].flat(),
    { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: '/usr/bin:/bin' } },
  );
  const off = once(qemu, 'exit');
  return {
    origin: `http://127.0.0.1:${port}`,
    console: () => readFile(serial, 'utf8'),
    end: async () => {
      await pressCtrlAltDel(qmp);
      await off;
    },
    [Symbol.asyncDispose]: async () => {
      qemu.kill('SIGKILL');
      await off;
    },
  };
}

const COMMAND_LINE = 'console=ttyS0 quiet reboot=t panic=-1 root=/dev/vda ro init=/etc/overlay-init';

function blockDevice(id: string, file: string): readonly string[] {
  return ['-drive', `id=${id},file=${file},format=raw,if=none`, '-device', `virtio-blk-pci,drive=${id}`];
}

/** A sparse ext4, empty or with a folder's content. */
async function makeDisk(path: string, sizeMb: number, content?: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, sizeMb * 1024 * 1024);
  await run('/usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', ...(content === undefined ? [] : ['-d', content]), path]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A server on a port has no port.');
  return address.port;
}

async function pressCtrlAltDel(path: string): Promise<void> {
  const keys = ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data }));
  const socket = connect(path);
  socket.write(JSON.stringify({ execute: 'qmp_capabilities' }));
  socket.write(JSON.stringify({ execute: 'send-key', arguments: { keys } }));
  socket.resume().on('error', () => {});
  await once(socket, 'close');
}
