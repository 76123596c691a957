import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

/** Directories to search for programs. The operator's PATH is ignored because a machine does not see it. */
export const programPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** Programs that a desktop needs, with the Debian package of each. */
export const desktopPrograms: Readonly<Record<string, string>> = {
  Xtigervnc: 'tigervnc-standalone-server',
  openbox: 'openbox',
  chromium: 'chromium',
  certutil: 'libnss3-tools',
};

export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of programPath.split(':')) {
    const path = `${folder}/${name}`;
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not found: try the next directory.
    }
  }
  return undefined;
}

export async function findMissingDesktopPrograms(): Promise<readonly string[]> {
  const names = Object.keys(desktopPrograms);
  const paths = await Promise.all(names.map(findProgram));
  return names.filter((_name, index) => paths[index] === undefined);
}

export function installCommand(packages: readonly string[]): string {
  return `sudo apt-get install -y ${packages.join(' ')}`;
}
