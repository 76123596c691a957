import { chmod, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { hasCode } from '../host/node-error.ts';
import { explainFileError } from './file-error.ts';

/** What changes the file system. Tests stand in for file systems that answer oddly. */
export interface DirectoryMaker {
  readonly mkdir: (path: string, mode: number) => Promise<unknown>;
  readonly chmod: (path: string, mode: number) => Promise<void>;
}

const systemMaker: DirectoryMaker = { mkdir: (path, mode) => mkdir(path, { mode }), chmod };

/**
 * Makes a directory for us alone, with those above it. Of one that is there already it changes the mode only if that
 * is empty or a data directory. Throws `CONFIG_INVALID` for any other: its files are not ours.
 */
export async function ownDirectory(path: string, maker: DirectoryMaker = systemMaker): Promise<void> {
  try {
    await makeDirectories(path, maker);
    const { mode } = await stat(path);
    const names = await readdir(path);
    if (!(await isDataDirectory(path, names))) throw refuseForeign(path, names);
    // The operator decides who may enter (that shows no names). Only we may list or write.
    if ((mode & 0o066) !== 0) await maker.chmod(path, mode & 0o7711);
    await make(join(path, 'lock'), maker);
  } catch (error) {
    throw SallyportError.isInstance(error) ? error : explainFileError(path, error);
  }
}

/**
 * One level at a time, from the first one that is there. The recursive `mkdir` of Node never ends on a file system that
 * says ENOENT for whatever it is asked to make, as /proc does.
 */
async function makeDirectories(path: string, maker: DirectoryMaker): Promise<void> {
  const missing: string[] = [];
  let above = path;
  while (!(await isThere(above))) {
    missing.unshift(above);
    above = dirname(above);
  }
  for (const folder of missing) await make(folder, maker);
}

/** Another server that starts now may be first. */
async function make(folder: string, maker: DirectoryMaker): Promise<void> {
  await maker.mkdir(folder, 0o700).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** What only a data directory has. */
const marks = ['server.json', 'master-keys'];

/** What is there before the marks are: left by commands, by an interrupted start, restored, or of a fresh disk. */
const early = new Set(['lock', 'postgres', 'witness', 'clis', 'images', 'lost+found']);

/** What the machine drivers make when they are opened, also by `sallyport doctor`. Ours while it is empty. */
const driverDirectories = new Set(['machines', 'qemu']);

async function isDataDirectory(path: string, names: readonly string[]): Promise<boolean> {
  if (marks.some((mark) => names.includes(mark)) || (await hasOurLock(path))) return true;
  for (const name of names) {
    if (early.has(name)) continue;
    if (!driverDirectories.has(name) || !(await isEmptyDirectory(path, name))) return false;
  }
  return true;
}

async function isEmptyDirectory(path: string, name: string): Promise<boolean> {
  const facts = await lstat(join(path, name));
  return facts.isDirectory() && (await readdir(join(path, name))).length === 0;
}

/** Left by everything that opens the directory, also by a command that makes machines and nothing else. */
async function hasOurLock(path: string): Promise<boolean> {
  const lock = await lstat(join(path, 'lock')).catch(() => undefined);
  return lock !== undefined && lock.isDirectory() && lock.uid === process.getuid?.() && (lock.mode & 0o077) === 0;
}

function refuseForeign(path: string, names: readonly string[]): SallyportError {
  const some = names.toSorted().slice(0, 3).join(', ');
  return new SallyportError(
    'CONFIG_INVALID',
    `The data directory ${path} holds files that are not Sallyport's (${some}${names.length > 3 ? ', …' : ''}). Nothing was changed.`,
    {
      hint: `Set SALLYPORT_DATA_DIR to a new or empty directory, for instance ${join(path, 'sallyport')}.`,
      details: { directory: path },
    },
  );
}
