import { createHash } from 'node:crypto';

import type { MachineRole } from '@sallyport/core/driver';

/** How a machine's processors are provided. */
export type Accelerator = 'kvm' | 'tcg';

/**
 * QEMU's `-cpu` with KVM, in the order to try them. On some nested hosts QEMU ends over a register of the second's
 * feature that their KVM shows and does not have.
 */
export const KVM_PROCESSORS = ['host', 'host,-arch-capabilities'] as const;
export type KvmProcessor = (typeof KVM_PROCESSORS)[number];

/** A machine's virtual hardware. Machines with the same hardware can resume from each other's snapshots. */
export interface Hardware {
  readonly accelerator: Accelerator;
  /** With KVM only. Default `host`. */
  readonly processor?: KvmProcessor;
  /** Whether the kernel is our ELF build; otherwise it is Debian's, with its modules in an initrd. */
  readonly ownKernel: boolean;
  readonly role: MachineRole;
  readonly memoryMb: number;
  readonly vcpus: number;
}

/** The part of the hardware that depends on the host. */
export type Acceleration = Pick<Hardware, 'accelerator' | 'processor'>;

/** Descriptors that QEMU inherits: it cannot enter the directories that contain the files. */
const descriptors = { kernel: 3, image: 4, disk: 5, agentDrive: 6, initrd: 7 } as const;

/** The machine's environment: options that a snapshot does not depend on. */
export interface Surroundings {
  /** QEMU's `-netdev`, without an id. */
  readonly netdev: string;
  readonly mac: string;
  readonly kernelCommandLine: string;
  readonly monitorSocket: string;
  readonly guestPortSocket: string;
  /** The network starts a program for each connection of the guest. */
  readonly needsSpawn: boolean;
  /** Waits for a snapshot instead of booting. */
  readonly incoming: boolean;
}

/** Builds QEMU's command line. It contains no secrets: every process on the host can read it. */
export function qemuArguments(hardware: Hardware, surroundings: Surroundings): readonly string[] {
  const { netdev, mac, kernelCommandLine, monitorSocket, guestPortSocket, needsSpawn, incoming } = surroundings;
  return [
    machineWords(hardware),
    ['-append', kernelCommandLine],
    ['-netdev', `${netdev},id=net`],
    deviceWords(hardware, mac),
    // Standard output goes to the server, which keeps only the end of it.
    ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ['-chardev', `socket,id=port,path=${guestPortSocket},server=on,wait=off`],
    ['-chardev', `socket,id=monitor,path=${monitorSocket},server=on,wait=off`, '-mon', 'chardev=monitor,mode=control'],
    ['-sandbox', needsSpawn ? SANDBOX_WITH_PROGRAMS : SANDBOX],
    incoming ? ['-S', '-incoming', 'defer'] : [],
  ].flat();
}

const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';
/** QEMU's seccomp options. `elevateprivileges` would also forbid setsid(2), which every helper program calls. The launch has already dropped all privileges. */
const SANDBOX_WITH_PROGRAMS = 'on,obsolete=deny,elevateprivileges=allow,spawn=allow,resourcecontrol=deny';

/** Hashes everything that a snapshot depends on to 16 characters. */
export function hardwareHash(hardware: Hardware): string {
  const words = [...machineWords(hardware), ...deviceWords(hardware, 'any')];
  return createHash('sha256').update(words.join('\0')).digest('hex').slice(0, 16);
}

/** Size of the translation cache in MB. It counts toward host memory, and QEMU's default is 1 GB. */
const TRANSLATED_MB = { cli: 64, browser: 256 } as const;

function machineWords({
  accelerator,
  processor = 'host',
  ownKernel,
  role,
  memoryMb,
  vcpus,
}: Hardware): readonly string[] {
  return [
    ['-accel', accelerator === 'kvm' ? 'kvm' : `tcg,tb-size=${TRANSLATED_MB[role]}`],
    ['-cpu', accelerator === 'kvm' ? processor : 'max'],
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
    // Return blocks that the guest frees to the host.
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

/** Reopens the file of a descriptor (proc(5)). This checks the permissions of the file, not those of its path. */
function inherited(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}
