import { watch } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { BROWSER_COMMAND } from '../cli/cli-environment.ts';

/** Hears which links the CLIs want to open: their browser is a script of ours. */
export interface BrowserShim {
  /** Calls back for each link, in order of arrival, until the returned function is called. */
  listen(onUrl: (url: string) => void): () => void;
  /** Looks again now. A safety net for a change event that got lost. */
  check(): void;
  close(): void;
}

/** Longer than any sign-in link; a longer file is dropped unread. */
const LONGEST_URL = 16 * 1024;

/**
 * Puts the browser command in `<runtime>/bin`. A shell script, since a CLI may give its browser only a moment
 * and starting Node would take half of it. It writes the link to a temporary file and renames it, so a link is
 * there whole or not at all.
 */
export async function installBrowserShim(runtime: string): Promise<BrowserShim> {
  const inbox = join(runtime, 'shim');
  const programs = join(runtime, 'bin');
  await rm(inbox, { recursive: true, force: true });
  await mkdir(inbox, { recursive: true, mode: 0o700 });
  await mkdir(programs, { recursive: true, mode: 0o700 });
  // Gemini ignores BROWSER and looks for xdg-open on the PATH.
  for (const name of [BROWSER_COMMAND, 'xdg-open']) await install(join(programs, name), script(inbox));

  const listeners = new Set<(url: string) => void>();
  let reading = Promise.resolve();
  const check = (): void => {
    reading = reading.then(() => takeLinks(inbox, listeners)).catch(() => {});
  };
  const watcher = watch(inbox, check);
  watcher.on('error', () => {});
  return {
    listen: (onUrl) => {
      listeners.add(onUrl);
      return () => void listeners.delete(onUrl);
    },
    check,
    close: () => watcher.close(),
  };
}

function script(inbox: string): string {
  return `#!/bin/sh
# A CLI on this machine starts this instead of a browser. It only writes the link down; the agent reads it.
umask 077
folder=${quote(inbox)}
printf '%s' "$1" > "$folder/$$.tmp" && mv -f "$folder/$$.tmp" "$folder/$$.url"
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** By rename: a CLI that is starting the command right now gets the old or the new one, whole. */
async function install(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o700 });
  await chmod(`${path}.new`, 0o700);
  await rename(`${path}.new`, path);
}

async function takeLinks(inbox: string, listeners: ReadonlySet<(url: string) => void>): Promise<void> {
  const names = (await readdir(inbox)).filter((name) => name.endsWith('.url'));
  for (const name of names) {
    const path = join(inbox, name);
    const url = await readLink(path);
    await rm(path, { force: true });
    if (url === undefined) continue;
    for (const listener of listeners) listener(url);
  }
}

async function readLink(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return undefined;
  try {
    const { size } = await file.stat();
    return size === 0 || size > LONGEST_URL ? undefined : (await file.readFile('utf8')).trim();
  } finally {
    await file.close();
  }
}
