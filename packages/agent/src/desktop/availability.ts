import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import type { Check } from '@sallyport/core/engine';

/** The programs of a desktop, by what they do here, with the Debian package that has each. */
const desktopPrograms = {
  Xtigervnc: { does: 'the screen', package: 'tigervnc-standalone-server' },
  openbox: { does: 'the window manager', package: 'openbox' },
  chromium: { does: 'the browser', package: 'chromium' },
  certutil: { does: "the browser's certificate store", package: 'libnss3-tools' },
} as const;

export type DesktopProgram = keyof typeof desktopPrograms;

/** One command that installs everything a desktop needs on Debian and its relatives. */
export const desktopInstallCommand = `apt-get install --yes --no-install-recommends ${Object.values(desktopPrograms)
  .map((program) => program.package)
  .join(' ')}`;

/** What a desktop needs and whether it is here. Looks only at files: nothing is started. */
export function desktopAvailable(path: string = searchPath()): readonly Check[] {
  return Object.entries(desktopPrograms).map(([name, { does }]): Check => {
    const found = findProgram(name, path);
    return found === undefined
      ? { name, state: 'missing', found: `${name} (${does}) is not on the PATH`, fix: desktopInstallCommand }
      : { name, state: 'ok', found };
  });
}

/**
 * Debian's `chromium` is a script that reads `/etc/chromium.d`, which a sandboxed machine does not have; the
 * browser itself lies beside its libraries.
 */
export function findBrowser(): string | undefined {
  return isExecutableFile(DEBIAN_BROWSER) ? DEBIAN_BROWSER : findProgram('chromium');
}

const DEBIAN_BROWSER = '/usr/lib/chromium/chromium';

/** The absolute path of a program, as `execvp` would find it. */
export function findProgram(name: string, path: string = searchPath()): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isExecutableFile);
}

export function searchPath(): string {
  return process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
