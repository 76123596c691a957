import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { request as requestByHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

import { agentBundle } from '@sallyport/agent';
import { AGENT_PORT } from '@sallyport/core/protocol';
import type { BootConfig } from '@sallyport/core/protocol';
import { INITRD_FILE, KERNEL_FILE, ROOT_FILE } from '@sallyport/machines';
import type { Image, NetworkAttachment } from '@sallyport/machines';

import { poll } from './server.ts';
import { diskFormat } from '../../packages/machines/src/disk/create-disk.ts';

const run = promisify(execFile);

/** A guest in QEMU without hardware help, as bare as it can be: what the images promise, and no driver in between. */
export interface Guest {
  /** Asks the agent: a POST where there is a body. */
  request(
    path: string,
    options?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string },
  ): Promise<{ readonly status: number; readonly body: string }>;
  /** A connection to the agent. */
  connect(): Promise<Socket>;
  console(): Promise<string>;
  /** Asks the machine to end, by Ctrl-Alt-Del or, as there is no keyboard in `microvm`, by its port; resolves when it is off. */
  end(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface GuestOptions {
  readonly folder: string;
  /** Ours boots in `microvm`; Debian's, which has an initrd, in `pc`. */
  readonly kernel: Image;
  readonly root: Image;
  readonly memoryMb: number;
  /** Default 1. */
  readonly cpus?: number;
  readonly boot: BootConfig;
  readonly place: NetworkAttachment;
  /** Lies on the guest's disk over the image. Default: nothing does. */
  readonly upper?: string;
  /** QEMU's `-netdev` without `id=`. Default: that of the place. */
  readonly netdev?: string;
}

/** What no guest's console may show. The kernel remarks that `microvm` has no ACPI tables, which is harmless. */
export const TROUBLE = /cannot be|No such|(?<!RSDP was )not found|panic|out of memory|oom-kill|token-of-this-boot/i;

/** For a boot configuration: a shell that lies on every guest's disk as a CLI would. */
export const shellClis = { shell: '/opt/shell' };

/** That of every guest here. */
export const bootToken = 'token-of-this-boot-0123456789-0123456789';

/** The boot configuration of a CLI machine, with a shell for a CLI. */
export function cliBoot(machineId: string, change: Partial<BootConfig> = {}): BootConfig {
  return {
    machineId,
    epoch: 1,
    role: 'cli',
    token: bootToken,
    listen: { port: AGENT_PORT, host: '0.0.0.0' },
    home: '/sallyport/home',
    homes: '/sallyport/homes',
    bubblewrap: '/usr/bin/bwrap',
    runtime: '/run/m',
    clis: shellClis,
    ...change,
  };
}

/** Asks the agent how it is, until it answers. */
export function untilHealthy(guest: Pick<Guest, 'request'>): ReturnType<Guest['request']> {
  const headers = { authorization: `Bearer ${bootToken}` };
  return poll('the agent in the guest', () => guest.request('/health', { headers }).catch(() => undefined));
}

export async function startGuest(options: GuestOptions): Promise<Guest> {
  const { folder, kernel, root, memoryMb, cpus = 1, boot, place, upper, netdev = place.netdev } = options;
  const [drive, content] = [join(folder, 'drive'), join(folder, 'content')];
  await mkdir(join(drive, 'boot'), { recursive: true });
  await cp(agentBundle().directory, join(drive, 'agent'), { recursive: true });
  await writeFile(join(drive, 'boot', 'config.json'), JSON.stringify(boot));
  const [agentDrive, disk] = [join(folder, 'agent.ext4'), join(folder, 'disk.ext4')];
  await makeDisk(agentDrive, 32, drive);
  const shell = join(content, 'upper', shellClis.shell, 'node_modules');
  await mkdir(shell, { recursive: true });
  await symlink('/bin/sh', join(shell, 'sh'));
  if (upper !== undefined) await cp(upper, join(content, 'upper'), { recursive: true });
  await makeDisk(disk, 256, content);
  const [qmp, serial, port] = [join(folder, 'qmp'), join(folder, 'console'), join(folder, 'port')];
  const hasInitrd = INITRD_FILE in kernel.files;
  const bus = hasInitrd ? 'pci' : 'device';
  const blockDevice = (id: string, file: string): readonly string[] => [
    '-drive',
    `id=${id},file=${file},format=raw,if=none`,
    '-device',
    `virtio-blk-${bus},drive=${id}`,
  ];
  const [program = '', ...words] = [
    ...place.enter,
    'qemu-system-x86_64',
    ...[
      `-accel tcg,tb-size=${boot.role === 'browser' ? 256 : 64} -cpu max -smp ${cpus} -m ${memoryMb}`.split(' '),
      '-nodefaults -no-user-config -nographic -no-reboot'.split(' '),
      ['-sandbox', sandboxWords(place), '-serial', `file:${serial}`, '-qmp', `unix:${qmp},server=on,wait=off`],
      hasInitrd ? ['-M', 'pc', '-initrd', join(kernel.directory, INITRD_FILE)] : ['-M', 'microvm,acpi=off'],
      ['-kernel', join(kernel.directory, KERNEL_FILE)],
      ['-append', `${COMMAND_LINE} ip=${place.address}::${place.gateway}:${place.netmask}:${boot.machineId}:eth0:off`],
      blockDevice('root', `${join(root.directory, ROOT_FILE)},readonly=on`),
      blockDevice('disk', disk),
      blockDevice('agent', `${agentDrive},readonly=on`),
      ['-netdev', `${netdev},id=net`],
      ['-device', `virtio-net-${bus},netdev=net,mac=${place.mac}${hasInitrd ? ',romfile=' : ''}`],
      ['-device', `virtio-rng-${bus}`, '-device', `virtio-serial-${bus}`],
      ['-chardev', `socket,id=port,path=${port},server=on,wait=off`],
      ['-device', 'virtserialport,chardev=port,name=sallyport.0'],
    ].flat(),
  ];
  const qemu = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: '/usr/bin:/bin' } });
  const off = once(qemu, 'exit');
  return {
    request: (path, { headers, body } = {}) => request(place, path, headers, body),
    connect: async () => {
      const socket = await place.connect(AGENT_PORT, { signal: AbortSignal.timeout(5_000) });
      if (socket instanceof Socket) return socket;
      throw new TypeError('The connection to the machine is not a socket.');
    },
    console: () => readFile(serial, 'utf8'),
    end: async () => {
      await (hasInitrd ? pressCtrlAltDel(qmp) : tellToStop(port));
      await off;
    },
    [Symbol.asyncDispose]: async () => {
      qemu.kill('SIGKILL');
      await off;
    },
  };
}

/** As strict as the network lets it be. */
function sandboxWords({ needsSpawn }: NetworkAttachment): string {
  return `on,obsolete=deny,resourcecontrol=deny${needsSpawn ? '' : ',elevateprivileges=deny,spawn=deny'}`;
}

const COMMAND_LINE = 'console=ttyS0 quiet no_timer_check reboot=t panic=-1 root=/dev/vda ro init=/etc/overlay-init';

/** A sparse ext4 with a directory's content, formatted as every machine's disk. */
async function makeDisk(path: string, sizeMb: number, content: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, sizeMb * 1024 * 1024);
  await run('/usr/sbin/mke2fs', [...diskFormat, '-d', content, path]);
}

async function request(
  place: NetworkAttachment,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const socket = await place.connect(AGENT_PORT, { signal: AbortSignal.timeout(5_000) });
  const method = body === undefined ? 'GET' : 'POST';
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = requestByHttp(
      {
        path,
        method,
        headers: { ...headers, connection: 'close' },
        createConnection: () => socket,
        signal: AbortSignal.timeout(ANSWER_MS),
      },
      resolve,
    );
    asked.once('error', reject).end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** A probe of a guest may wait for an answer that does not come. */
const ANSWER_MS = 60_000;

/** Resolves when the machine has heard it. */
async function tellToStop(path: string): Promise<void> {
  const socket = connect(path);
  socket.write(`${JSON.stringify({ do: 'stop' })}\n`);
  const [answer] = await once(createInterface({ input: socket }), 'line');
  socket.destroy();
  if (answer !== '{"ok":true}') throw new Error(`The machine answered: ${answer}`);
}

async function pressCtrlAltDel(path: string): Promise<void> {
  const keys = ['ctrl', 'alt', 'delete'].map((data) => ({ type: 'qcode', data }));
  const socket = connect(path);
  socket.write(JSON.stringify({ execute: 'qmp_capabilities' }));
  socket.write(JSON.stringify({ execute: 'send-key', arguments: { keys } }));
  socket.resume().on('error', () => {});
  await once(socket, 'close');
}
