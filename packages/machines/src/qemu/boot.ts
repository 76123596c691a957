import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock, Secret } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';

import { kernelCommandLine } from '../guest/kernel-command-line.ts';
import { INITRD_FILE, KERNEL_FILE, ROOT_FILE } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { NetworkAttachment } from '../network/machine-network.ts';
import { qemuArguments } from './hardware.ts';
import type { Hardware } from './hardware.ts';
import { launchWords, prepareRunDirectory } from './launch.ts';
import { sockets } from './layout.ts';
import type { QemuLayout } from './layout.ts';
import { spawnQemu } from './qemu-process.ts';
import type { QemuProcess } from './qemu-process.ts';

export interface LaunchRequest {
  /** QEMU's program. */
  readonly program: string;
  readonly layout: QemuLayout;
  readonly plan: MachinePlan;
  readonly uid: number | undefined;
  readonly hardware: Hardware;
  readonly kernel: Image;
  readonly image: Image;
  readonly place: NetworkAttachment;
  readonly token: Secret;
  /** Waits for a snapshot instead of booting. */
  readonly incoming: boolean;
  readonly clock: Clock;
  /** Nobody waits for it. */
  readonly inBackground?: boolean;
}

/** Starts QEMU with all its files already open: it can enter only its own directory. */
export async function launchQemu(request: LaunchRequest): Promise<QemuProcess> {
  const { layout, plan, uid, hardware, kernel, image, place, incoming } = request;
  await prepareRunDirectory(layout.run, uid);
  const words = qemuArguments(hardware, {
    netdev: place.netdev,
    mac: place.mac,
    kernelCommandLine: kernelCommandLine({ machineId: plan.machineId, place, reboot: 't' }),
    monitorSocket: sockets.monitor,
    guestPortSocket: sockets.guestPort,
    needsSpawn: place.needsSpawn,
    incoming,
  });
  const before = launchWords({
    enter: place.enter,
    ...(uid !== undefined && { uid }),
    opensTap: place.tap !== undefined,
    diskMb: plan.diskMb,
    ...(request.inBackground === true && { inBackground: true }),
  });
  // In the order of `descriptors`.
  const files = await openAll([
    [join(kernel.directory, KERNEL_FILE), constants.O_RDONLY],
    [join(image.directory, ROOT_FILE), constants.O_RDONLY],
    [layout.disk, constants.O_RDWR],
    [layout.agentDrive, constants.O_RDONLY],
    ...(hardware.ownKernel ? [] : [[join(kernel.directory, INITRD_FILE), constants.O_RDONLY] as const]),
  ]);
  try {
    return await spawnQemu({
      command: [...before, request.program, ...words],
      folder: layout.run,
      descriptors: files.map(({ fd }) => fd),
      token: request.token.reveal(),
      clock: request.clock,
    });
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function openAll(paths: readonly (readonly [path: string, flags: number])[]): Promise<readonly FileHandle[]> {
  const files: FileHandle[] = [];
  try {
    for (const [path, flags] of paths) files.push(await open(path, flags | constants.O_NOFOLLOW));
    return files;
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}
