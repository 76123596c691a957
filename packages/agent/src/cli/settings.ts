import { randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { CliLaunch } from '@sallyport/core';

import { resolveHomePath } from '../credentials/credential-file.ts';

/**
 * Writes the settings a manifest wants before its CLI starts, for instance the one that turns the updater off.
 * A file that says the same already is left alone; another is replaced by rename, for a CLI may be reading it.
 */
export async function writeSettings(home: string, settings: CliLaunch['settings']): Promise<void> {
  for (const { path, content } of settings) {
    const file = resolveHomePath(home, path);
    if ((await readFile(file, 'utf8').catch(() => undefined)) === content) continue;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // A CLI could lead the agent, which sees more than it does, to another's files.
    if ((await realpath(dirname(file))) !== join(await realpath(home), dirname(file).slice(home.length))) {
      throw new SallyportError('MACHINE_DISK_UNSAFE', `${path} lies behind a symbolic link; nothing was written.`);
    }
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, content, { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  }
}
