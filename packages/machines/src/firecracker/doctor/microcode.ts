import type { Finding } from './verdict.ts';

/** The package with the microcode of a vendor, as Debian and Ubuntu name it. */
const packages: Readonly<Record<string, string>> = {
  GenuineIntel: 'intel-microcode',
  AuthenticAMD: 'amd64-microcode',
};

export interface MicrocodeTexts {
  readonly cpuinfo: string | undefined;
  readonly cmdline: string | undefined;
  /** `vulnerabilities/old_microcode`: the kernel's own list of the newest versions, since Linux 6.16. */
  readonly old: string | undefined;
}

/** Fixes of the processor itself come with its microcode, which is loaded at each boot. */
export function judgeMicrocode({ cpuinfo = '', cmdline = '', old }: MicrocodeTexts): Finding {
  const vendor = /^vendor_id\s*:\s*(\S+)/m.exec(cpuinfo)?.[1];
  if (vendor === undefined) return { ok: 'not a processor of x86: its firmware loads it' };
  const versions = [...new Set([...cpuinfo.matchAll(/^microcode\s*:\s*(\S+)/gm)].map(([, version]) => version))];
  if (/^flags\s*:.*\bhypervisor\b/m.test(cpuinfo)) {
    return { ok: `this host is virtual, so its provider loads microcode (it shows ${versions.join(', ') || 'none'})` };
  }
  const install = packages[vendor] ?? 'the microcode of its vendor';
  const fix = `Install ${install}, and restart the host`;
  if (/(^|\s)dis_ucode_ldr(\s|$)/.test(cmdline)) {
    return { degraded: 'its loading is turned off', fix: 'Take dis_ucode_ldr off the kernel command line' };
  }
  if (versions.length === 0 || versions.some((version) => Number(version) === 0)) {
    return { degraded: 'none is loaded', fix };
  }
  if (versions.length > 1) return { degraded: `processors differ: ${versions.join(', ')}`, fix };
  return old?.startsWith('Vulnerable') === true
    ? { degraded: `version ${versions[0]}, which the kernel knows to be old`, fix }
    : { ok: `version ${versions[0]}${old === undefined ? '; the kernel cannot tell whether it is old' : ''}` };
}
