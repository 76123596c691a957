import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * What some tests need of the host beyond Node. A test whose requirement is not met is skipped with the reason in
 * its name, and the end of the run says what to do about it. In CI nothing may be skipped: there an unmet
 * requirement throws, which fails the test file.
 */
export interface Requirement {
  readonly met: boolean;
  /** Empty when met; else what is missing and the command that brings it. */
  readonly reason: string;
}

interface HostNeeds {
  readonly programs: readonly string[];
  /** Debian packages that bring them. */
  readonly packages: readonly string[];
}

const requirements = {
  /** A screen and a browser in the machine. */
  desktop: {
    programs: ['Xtigervnc', 'openbox', 'chromium', 'certutil'],
    packages: ['tigervnc-standalone-server', 'openbox', 'chromium', 'libnss3-tools'],
  },
  /** A browser that looks at our own page. */
  chromium: { programs: ['chromium'], packages: ['chromium'] },
  /** A bridge of virtual machines; also needs root. */
  network: { programs: ['ip', 'bridge', 'nft'], packages: ['iproute2', 'nftables'] },
  bubblewrap: { programs: ['bwrap'], packages: ['bubblewrap'] },
  /** Disks of virtual machines. */
  disks: { programs: ['mke2fs', 'debugfs', 'e2fsck'], packages: ['e2fsprogs'] },
} as const satisfies Record<string, HostNeeds>;

export type RequirementName = keyof typeof requirements;

export function requirement(name: RequirementName): Requirement {
  const missing = missingPrograms(requirements[name]);
  if (missing.length === 0) return { met: true, reason: '' };
  const reason = `needs ${missing.join(', ')}: apt-get install ${requirements[name].packages.join(' ')}`;
  if (process.env['CI'] === 'true') throw new Error(`Nothing may be skipped in CI, and a test ${reason}`);
  return { met: false, reason };
}

/** The one command that lets more tests run here; `undefined` where there is nothing to add. */
export function enablingCommand(): string | undefined {
  const lacking = Object.values(requirements).filter((needs) => missingPrograms(needs).length > 0);
  const packages = [...new Set(lacking.flatMap((needs) => needs.packages))];
  const isRoot = process.geteuid?.() === 0;
  const sudo = isRoot ? '' : 'sudo ';
  if (packages.length > 0) return `${sudo}apt-get install ${packages.join(' ')} && ${sudo}npm test`;
  return isRoot ? undefined : 'sudo npm test';
}

function missingPrograms({ programs }: HostNeeds): readonly string[] {
  return programs.filter((program) => !isOnPath(program));
}

/** Where the server looks as well, and an ordinary user's shell does not. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function isOnPath(program: string): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...systemFolders].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
