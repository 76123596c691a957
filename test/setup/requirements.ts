import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * What some tests need of the host beyond Node. A test whose requirement is not met is skipped with the reason in
 * its name, and the reason is printed once with the one command that would enable it. In CI nothing may be
 * skipped: there an unmet requirement throws, which fails the test file.
 */
export interface Requirement {
  readonly met: boolean;
  /** Empty when met; else what is missing and the command that brings it. */
  readonly reason: string;
}

const requirements = {
  /** A screen and a browser in the machine. */
  desktop: {
    programs: ['Xtigervnc', 'openbox', 'chromium', 'certutil'],
    install: 'apt-get install tigervnc-standalone-server openbox chromium libnss3-tools',
  },
  /** A browser that looks at our own page. */
  chromium: { programs: ['chromium'], install: 'apt-get install chromium' },
  bubblewrap: { programs: ['bwrap'], install: 'apt-get install bubblewrap' },
} as const satisfies Record<string, { readonly programs: readonly string[]; readonly install: string }>;

export type RequirementName = keyof typeof requirements;

export function requirement(name: RequirementName): Requirement {
  const { programs, install } = requirements[name];
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length === 0) return { met: true, reason: '' };
  const reason = `needs ${missing.join(', ')}: ${install}`;
  if (process.env['CI'] === 'true') throw new Error(`Nothing may be skipped in CI, and a test ${reason}`);
  console.warn(`Not run: a test ${reason}`);
  return { met: false, reason };
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
