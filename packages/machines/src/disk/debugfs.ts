import { MAX_CREDENTIAL_BYTES } from '@sallyport/core/driver';

import { INODE_BYTES, parseInode } from './inode.ts';
import type { Inode } from './inode.ts';
import { runOnDisk, sandboxed } from './sandbox.ts';
import type { DiskRun } from './sandbox.ts';
import { unsafeDisk } from './unsafe-disk.ts';

/** An ext4 file of a stopped machine, open, and the user who may open it. */
export interface OpenDisk {
  readonly descriptor: number;
  readonly size: number;
  readonly uid: number | undefined;
}

/**
 * debugfs ends with 0 whatever happened, so everything it says is checked. A path in a command is absolute: after a
 * `cd` that fails, the next command would work somewhere else.
 */
async function runScript(
  disk: OpenDisk,
  commands: readonly string[],
  options: Pick<DiskRun, 'files'> & { readonly writes: boolean },
): Promise<{ readonly stdout: Buffer; readonly complaints: readonly string[] }> {
  const bad = commands.find((command) => !/^(?:[A-Za-z0-9._/ -]|<\d+>)+$/.test(command));
  if (bad !== undefined) throw unsafeDisk('would be changed by a command with characters that are not allowed');
  const { exitCode, stdout, stderr } = await runOnDisk({
    program: 'debugfs',
    args: [...(options.writes ? ['-w'] : []), '-f', '-', sandboxed(0)],
    files: [disk.descriptor, ...options.files],
    input: commands.map((command) => `${command}\n`).join(''),
    uid: disk.uid,
    largestFile: disk.size,
  });
  const [banner = '', ...complaints] = stderr.split('\n').filter((line) => line !== '');
  if (exitCode !== 0 || !/^debugfs \d/.test(banner)) throw unsafeDisk(`could not be opened by debugfs: ${stderr}`);
  return { stdout, complaints };
}

/** Runs commands that change the disk; one that has anything to say has failed. */
export async function changeDisk(disk: OpenDisk, commands: readonly string[], files: readonly number[]): Promise<void> {
  const { complaints } = await runScript(disk, commands, { files, writes: true });
  if (complaints.length > 0) throw unsafeDisk(`could not be changed: ${complaints.join('; ').slice(0, 500)}`);
}

/** Looks paths up. Absent ones are left out; what cannot be looked up for another reason is told. */
export interface Lookup {
  readonly inodes: ReadonlyMap<string, Inode>;
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * Reads inodes as they are, in hexadecimal: what `stat` prints has the target of a link and the names of attributes in
 * it, and a guest may have written anything there, such as the lines of another file's `stat`.
 */
export async function lookUp(disk: OpenDisk, paths: readonly string[]): Promise<Lookup> {
  const commands = paths.map((path) => `inode_dump ${path}`);
  const { stdout, complaints } = await runScript(disk, commands, { files: [], writes: false });
  const sections = splitByEcho(stdout, commands);
  const inodes = new Map<string, Inode>();
  const problems = new Map<string, string>();
  for (const [index, path] of paths.entries()) {
    const bytes = parseHexDump(sections[index] ?? '');
    const problem = complaints.find((line) => line.startsWith(`${path}: `))?.slice(path.length + 2);
    if (bytes) inodes.set(path, parseInode(bytes));
    else if (!problem?.startsWith('File not found')) problems.set(path, problem ?? 'debugfs says nothing about it');
  }
  return { inodes, problems };
}

/** Where an inode lies on the disk. */
export interface InodePlace {
  readonly block: number;
  /** Bytes into the block. */
  readonly offset: number;
}

/**
 * Asks where inodes lie. debugfs writes what it prints in pieces of a few bytes: to dump thousands of inodes takes it
 * minutes, and this a second.
 */
export async function locateInodes(disk: OpenDisk, numbers: readonly number[]): Promise<readonly InodePlace[]> {
  if (numbers.length === 0) return [];
  const commands = numbers.map((number) => `imap <${number}>`);
  const { stdout, complaints } = await runScript(disk, commands, { files: [], writes: false });
  const places = splitByEcho(stdout, commands).flatMap((section) => {
    const [, block, offset] = /located at block (\d+), offset 0x([0-9a-f]+)/.exec(section) ?? [];
    return block && offset ? [{ block: Number(block), offset: Number.parseInt(offset, 16) }] : [];
  });
  if (complaints.length > 0 || places.length < numbers.length) throw unsafeDisk('has inodes that cannot be found');
  return places;
}

/** Reads files whose sizes are known. Nothing of what they hold can be taken for the end of it. */
export async function readFiles(
  disk: OpenDisk,
  files: readonly { readonly path: string; readonly size: number }[],
): Promise<readonly Buffer[]> {
  if (files.some(({ size }) => size > MAX_CREDENTIAL_BYTES)) throw unsafeDisk('has a file that is too large');
  return readBlocks(disk, files);
}

/** The same without a limit of each size. Also reads directories, as they are on the disk. `<N>` is a path too: inode N. */
export async function readBlocks(
  disk: OpenDisk,
  files: readonly { readonly path: string; readonly size: number }[],
): Promise<readonly Buffer[]> {
  if (files.length === 0) return [];
  const commands = files.map(({ path }) => `cat ${path}`);
  const { stdout, complaints } = await runScript(disk, commands, { files: [], writes: false });
  if (complaints.length > 0) throw unsafeDisk(`could not be read: ${complaints.join('; ').slice(0, 500)}`);
  let at = 0;
  const contents = files.map(({ size }, index) => {
    const echo = Buffer.from(`debugfs: ${commands[index]}\n`);
    const from = at + echo.length;
    if (!stdout.subarray(at, from).equals(echo)) throw unsafeDisk('has a file that is not as long as it says');
    at = from + size;
    return stdout.subarray(from, at);
  });
  if (at !== stdout.length) throw unsafeDisk('has a file that is longer than it says');
  return contents;
}

/** What was printed after each command. Hexadecimal lines cannot look like the echo of a command. */
function splitByEcho(stdout: Buffer, commands: readonly string[]): readonly string[] {
  const sections: string[] = [];
  const lines = stdout.toString('latin1').split('\n');
  for (const line of lines) {
    if (line === `debugfs: ${commands[sections.length]}`) sections.push('');
    else sections.push(`${sections.pop() ?? ''}${line}\n`);
  }
  return sections;
}

/** Offsets are octal; `*` stands for lines like the one before. */
function parseHexDump(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(INODE_BYTES);
  let last = Buffer.alloc(0);
  let next = 0;
  for (const line of text.split('\n')) {
    const [, offset = '', words = ''] = /^([0-7]{4})  ((?:[0-9a-f]{4} ){8})/.exec(line) ?? [];
    if (words === '') continue;
    const at = Number.parseInt(offset, 8);
    if (last.length === 0 && at !== 0) return undefined;
    for (; next < at; next += last.length) last.copy(bytes, next);
    last = Buffer.from(words.replaceAll(' ', ''), 'hex');
    last.copy(bytes, next);
    next += last.length;
  }
  return next >= INODE_BYTES ? bytes : undefined;
}
