import { createHash } from 'node:crypto';

import type { MachineRole } from '@sallyport/core';

/** How the processors of a machine come about. */
export type Accelerator = 'kvm' | 'tcg';

/** What a machine consists of. Two with the same hardware can go on from each other's snapshots. */
export interface Hardware {
  readonly accelerator: Accelerator;
  /** The kernel is an ELF file of ours; otherwise it is Debian's, with its modules in an initrd. */
  readonly ownKernel: boolean;
  readonly role: MachineRole;
  readonly memoryMb: number;
  readonly vcpus: number;
}

/** Descriptors that QEMU finds open: it may enter none of the directories that the files are in. */
const descriptors = { kernel: 3, image: 4, disk: 5, agentDrive: 6, initrd: 7 } as const;

/** Its own place in the world: words that a snapshot does not depend on. */
export interface Surroundings {
  /** QEMU's `-netdev`, without an id. */
  readonly netdev: string;
  readonly mac: string;
  readonly kernelCommandLine: string;
  readonly monitorSocket: string;
  readonly guestPortSocket: string;
  /** The network starts a program for each connection of the guest. */
  readonly needsSpawn: boolean;
  /** Waits for a snapshot in place of booting. */
  readonly incoming: boolean;
}

/** QEMU's command line. No secrets: every process of the host can read it. */
export function qemuArguments(hardware: Hardware, surroundings: Surroundings): readonly string[] {
  const { netdev, mac, kernelCommandLine, monitorSocket, guestPortSocket, needsSpawn, incoming } = surroundings;
  return [
    machineWords(hardware),
    ['-append', kernelCommandLine],
    ['-netdev', `${netdev},id=net`],
    deviceWords(hardware, mac),
    // Standard output goes to the server, which keeps the end of it and no more.
    ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ['-chardev', `socket,id=port,path=${guestPortSocket},server=on,wait=off`],
    ['-chardev', `socket,id=monitor,path=${monitorSocket},server=on,wait=off`, '-mon', 'chardev=monitor,mode=control'],
    ['-sandbox', needsSpawn ? SANDBOX_WITH_PROGRAMS : SANDBOX],
    incoming ? ['-S', '-incoming', 'defer'] : [],
  ].flat();
}

const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
/** `elevateprivileges` forbids setsid(2) as well, with which every program starts. The launch has taken all rights away. */
const SANDBOX_WITH_PROGRAMS = 'on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny';

/** Everything that a snapshot depends on, in 16 characters. */
export function hardwareHash(hardware: Hardware): string {
  const words = [...machineWords(hardware), ...deviceWords(hardware, 'any')];
  return createHash('sha256').update(words.join('\0')).digest('hex').slice(0, 16);
}

/** Megabytes of translated code. It counts as the host's memory, and QEMU would take a gigabyte. */
const TRANSLATED_MB = { cli: 64, browser: 256 } as const;

function machineWords({ accelerator, ownKernel, role, memoryMb, vcpus }: Hardware): readonly string[] {
  return [
    ['-accel', accelerator === 'kvm' ? 'kvm' : `tcg,tb-size=${TRANSLATED_MB[role]}`],
    ['-cpu', accelerator === 'kvm' ? 'host' : 'max'],
    // With ACPI and without KVM, `microvm` has no timer that Linux can start with. Debian's kernel does not know its devices.
    ['-machine', ownKernel ? 'microvm,acpi=off' : 'pc'],
    ['-m', String(memoryMb), '-smp', String(vcpus)],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ['-kernel', inherited(descriptors.kernel)],
    ownKernel ? [] : ['-initrd', inherited(descriptors.initrd)],
  ].flat();
}

function deviceWords({ ownKernel }: Hardware, mac: string): readonly string[] {
  const bus = ownKernel ? 'device' : 'pci';
  return [
    // In the order of the guest's /dev/vda, vdb and vdc.
    drive('image', descriptors.image, 'readonly=on', bus),
    drive('disk', descriptors.disk, 'cache=writeback,discard=unmap', bus),
    drive('agent', descriptors.agentDrive, 'readonly=on', bus),
    ['-device', `virtio-net-${bus},netdev=net,mac=${mac}${ownKernel ? '' : ',romfile='}`],
    ['-device', `virtio-rng-${bus}`],
    // What the guest has freed, the host has back.
    ['-device', `virtio-balloon-${bus},free-page-reporting=on`],
    ['-device', `virtio-serial-${bus}`, '-device', 'virtserialport,chardev=port,name=sallyport.0'],
  ].flat();
}

function drive(id: string, descriptor: number, options: string, bus: string): readonly string[] {
  return [
    ['-drive', `id=${id},file=${inherited(descriptor)},format=raw,if=none,${options}`],
    ['-device', `virtio-blk-${bus},drive=${id}`],
  ].flat();
}

/** proc(5): opens the file behind a descriptor again, by its own permissions and not by those of its path. */
function inherited(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}
