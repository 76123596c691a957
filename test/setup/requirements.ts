import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

import { debianPackages, installCommand, packagesFor } from './debian-packages.ts';
import type { HostNeed } from './debian-packages.ts';

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

/** The programs that show that a need of unit tests is met, wherever they came from. */
const programs = {
  bubblewrap: ['bwrap'],
  /** Also needs root. */
  network: ['ip', 'bridge', 'nft'],
  disks: ['mke2fs', 'debugfs', 'e2fsck'],
} as const satisfies Partial<Record<HostNeed, readonly string[]>>;

export type RequirementName = keyof typeof programs;

/** With these, `npm test` runs every test there is. */
export const unitTestNeeds: readonly RequirementName[] = ['bubblewrap', 'network', 'disks'];

export function requirement(name: RequirementName): Requirement {
  const missing = missingPrograms(name);
  if (missing.length === 0) return { met: true, reason: '' };
  const reason = `needs ${missing.join(', ')}: apt-get install ${debianPackages[name].join(' ')}`;
  if (process.env['CI'] === 'true') throw new Error(`Nothing may be skipped in CI, and a test ${reason}`);
  return { met: false, reason };
}

/** The one command that lets more tests run here; `undefined` if there is nothing to add. */
export function enablingCommand(): string | undefined {
  const isRoot = process.geteuid?.() === 0;
  const test = isRoot ? 'npm test' : 'sudo npm test';
  const packages = packagesFor(unitTestNeeds.filter((name) => missingPrograms(name).length > 0));
  if (packages.length > 0) return `${installCommand(packages)} && ${test}`;
  return isRoot ? undefined : test;
}

function missingPrograms(name: RequirementName): readonly string[] {
  return programs[name].filter((program) => !isOnPath(program));
}

/** Where the server looks as well, and an ordinary user's shell does not. */
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function isOnPath(program: string): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...systemDirectories].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
