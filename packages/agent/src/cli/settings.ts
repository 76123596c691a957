import { randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { SallyportError } from '@sallyport/core';
import { mergeJson } from '@sallyport/core/engine';
import { tryParseJsonc } from '@sallyport/core/provider';
import type { CliLaunch, LoginMethod } from '@sallyport/core/protocol';

import { readHomeFile, resolveHomePath } from '../credentials/credential-file.ts';

/**
 * Writes the settings a manifest wants before its CLI starts, for instance the one that turns the updater off.
 * A file that says the same already is left alone; another is replaced by rename, for a CLI may be reading it.
 */
export async function writeSettings(home: string, settings: readonly Setting[]): Promise<void> {
  for (const setting of settings) {
    const { path } = setting;
    const file = resolveHomePath(home, path);
    const content = await contentOf(home, setting);
    if (content === undefined) continue;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    // A CLI could lead the agent, which sees more than it does, to another's files.
    if ((await realpath(dirname(file))) !== join(await realpath(home), dirname(file).slice(home.length))) {
      throw new SallyportError('MACHINE_DISK_UNSAFE', `${path} lies behind a symbolic link; nothing was written.`);
    }
    const temporary = `${file}.${randomUUID()}`;
    await writeFile(temporary, content, { mode: 0o600, flag: 'wx' });
    await replace(temporary, file);
  }
}

/** A directory in its place is moved aside: without its settings the CLI is not started. */
async function replace(temporary: string, file: string): Promise<void> {
  try {
    await rename(temporary, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EISDIR')) throw error;
    await rename(file, `${file}.directory-${randomUUID()}`);
    await rename(temporary, file);
  }
}

/** The settings for a login: the method's own file takes the place of the CLI's usual one. */
export function settingsOf(
  cli: Pick<CliLaunch, 'settings'>,
  method: Pick<LoginMethod, 'settings'>,
): readonly Setting[] {
  const { settings = [] } = method;
  const replaced = new Set(settings.map(({ path }) => path));
  return [...cli.settings.filter(({ path }) => !replaced.has(path)), ...settings];
}

type Setting = CliLaunch['settings'][number];

/** What the file has to say, or `undefined` where it says so already. */
async function contentOf(home: string, { path, content, write = 'replace' }: Setting): Promise<string | undefined> {
  // Read with care: what a link leads to would be copied into this home, and nobody may ever write to a FIFO.
  const reading = await readHomeFile(home, path);
  if (write === 'replace') return reading.type === 'text' && reading.text === content ? undefined : content;
  if (reading.type === 'refused') return undefined;
  const before = reading.type === 'text' ? reading.text : '';
  const old = tryParseJsonc(before);
  if (old === undefined) return before.trim() === '' || write === 'merge-json' ? content : undefined;
  const merged = write === 'merge-json' ? mergeJson(before, content) : mergeJson(content, before);
  return isDeepStrictEqual(tryParseJsonc(merged), old) ? undefined : merged;
}
