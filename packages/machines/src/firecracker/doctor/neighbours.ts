import type { HostFiles } from '../../host/host-files.ts';
import type { Finding } from './verdict.ts';

const VULNERABILITIES = '/sys/devices/system/cpu/vulnerabilities';

/** Two threads of one core share what tells one machine about another. */
export async function findThreads(files: HostFiles): Promise<Finding> {
  const control = await files.read('/sys/devices/system/cpu/smt/control');
  const active = await files.read('/sys/devices/system/cpu/smt/active');
  return active === '0' || control === undefined || /^(off|forceoff|not)/.test(control)
    ? { ok: control ?? 'not there' }
    : {
        degraded: 'on: a machine may learn secrets of one that runs beside it on the same core',
        fix: 'Add nosmt=force to the kernel command line, or give machines core scheduling',
      };
}

/** Merging equal pages tells one machine what another has in memory. */
export async function findPageMerging(files: HostFiles): Promise<Finding> {
  const run = await files.read('/sys/kernel/mm/ksm/run');
  return run === undefined || run === '0'
    ? { ok: 'off' }
    : {
        degraded: 'on: a machine may learn what another has in memory',
        fix: 'echo 0 | sudo tee /sys/kernel/mm/ksm/run',
      };
}

/** The kernel knows what the processor suffers from and whether microcode and settings fix it. */
export async function findVulnerabilities(files: HostFiles): Promise<Finding> {
  // The row of the microcode tells of that one.
  const names = (await files.list(VULNERABILITIES)).filter((name) => name !== 'old_microcode');
  const texts = await Promise.all(names.map((name) => files.read(`${VULNERABILITIES}/${name}`)));
  const open = names.filter((_, index) => texts[index]?.startsWith('Vulnerable'));
  return open.length === 0
    ? { ok: names.length === 0 ? 'the kernel names none' : `${names.length} known, none open` }
    : { degraded: `open: ${open.join(', ')}`, fix: 'Update microcode and kernel; for the rest see lscpu' };
}

/** What a guest remembers must not stay on a disk when the guest is gone. Compressed memory is not a disk. */
export async function findSwap(files: HostFiles): Promise<Finding> {
  const [, ...lines] = ((await files.read('/proc/swaps')) ?? '').split('\n');
  const onDisk = lines
    .map((line) => line.split(/\s+/)[0] ?? '')
    .filter((name) => name !== '' && !name.startsWith('/dev/zram'));
  return onDisk.length === 0
    ? { ok: lines.length === 0 ? 'none' : 'in memory alone' }
    : {
        degraded: `${onDisk.join(', ')}: secrets of guests may reach a disk`,
        fix: 'sudo swapoff -a, and take it out of /etc/fstab; or encrypt it with a key that no restart keeps',
      };
}

/** Bits that flip under another's reads are noticed, and mostly fixed, by memory with ECC. */
export async function findMemoryChecks(files: HostFiles): Promise<Finding> {
  const controllers = (await files.list('/sys/devices/system/edac/mc')).filter((name) => /^mc\d/.test(name));
  return controllers.length > 0
    ? { ok: 'errors in memory are noticed' }
    : {
        degraded: 'no memory with ECC is known to the kernel',
        fix: 'Prefer a host with ECC memory, and load its EDAC driver; virtual hosts do not show theirs',
      };
}
