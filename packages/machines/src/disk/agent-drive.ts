import { constants } from 'node:fs';
import { chmod, cp, lstat, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { BootConfig, MachinePlan } from '@sallyport/core/driver';

import { digestFile } from '../host/hashing/digest-file.ts';
import type { Owner } from '../host/safe-directory.ts';
import { runOnOwnFile } from './format.ts';
import { BLOCK_SIZE } from './superblock.ts';

export interface AgentDriveOptions {
  /** Directory of the agent's program, `/agent` of the drive. */
  readonly agent: string;
  /** `/boot/config.json` of the drive. The machine's first program copies it; nobody else in the machine can read it. */
  readonly boot: BootConfig;
  /** CLIs that the machine's image does not hold: `/cli/<provider>` of the drive. */
  readonly clis: MachinePlan['clis'];
  /** The user of this host that the machine runs as; absent: the server's own. */
  readonly owner?: Owner;
  readonly signal: AbortSignal;
}

/**
 * Makes the drive from which a machine takes its agent and what this boot is about: an ext4 without a journal, as
 * large as what is on it. It is made again for each boot, and replaces the one of the boot before. Returns its SHA-256,
 * by which a snapshot knows the drive that its guest has mounted.
 */
export async function createAgentDrive(path: string, options: AgentDriveOptions): Promise<string> {
  const { agent, boot, clis, owner, signal } = options;
  const folder = `${path}.work`;
  await rm(folder, { recursive: true, force: true });
  try {
    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'boot'), { recursive: true, mode: 0o700 });
    await writeFile(join(tree, 'boot', 'config.json'), JSON.stringify(boot), { mode: 0o600 });
    await copyDirectory(agent, join(tree, 'agent'));
    for (const { provider, directory } of clis) await copyDirectory(directory, join(tree, 'cli', provider));
    signal.throwIfAborted();
    const drive = join(folder, 'drive.ext4');
    await formatFrom(tree, drive, signal);
    await using file = await open(drive, 'r+');
    const { sha256 } = await digestFile(drive, signal);
    if (owner !== undefined) await file.chown(owner, owner);
    await rename(drive, path);
    return sha256;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copyDirectory(from: string, to: string): Promise<void> {
  // Links stay as they are: a CLI's own point within it, and on the drive none can point out of it.
  await cp(from, to, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE });
  // The machine's user is nobody here, and has to be able to read it.
  await chmod(to, 0o755);
}

async function formatFrom(tree: string, drive: string, signal: AbortSignal): Promise<void> {
  const { blocks, inodes } = await measure(tree);
  await using file = await open(drive, 'wx', 0o600);
  // A tenth for what maps the blocks, and some for the file system itself.
  await file.truncate((Math.ceil(blocks * 1.1) + SPARE_BLOCKS + Math.ceil(inodes / 16)) * BLOCK_SIZE);
  const sizes = ['-b', String(BLOCK_SIZE), '-I', '256', '-m', '0', '-N', String(inodes + SPARE_INODES)];
  const features = ['-O', 'none,ext_attr,dir_index,filetype,extent,sparse_super,large_file,extra_isize'];
  await runOnOwnFile(
    'mke2fs',
    ['-q', '-F', '-t', 'ext4', ...features, ...sizes, '-E', 'nodiscard,root_owner=0:0', '-d', tree, drive],
    { signal },
  );
  if (process.geteuid?.() === 0) return;
  // Files keep their user's number, which may be that of the machine's ordinary user.
  for (const field of ['uid', 'gid']) {
    for (const name of ['/boot', '/boot/config.json']) {
      await runOnOwnFile('debugfs', ['-w', '-R', `set_inode_field ${name} ${field} 0`, drive], { signal });
    }
  }
}

const SPARE_BLOCKS = 256;
const SPARE_INODES = 32;

async function measure(tree: string): Promise<{ readonly blocks: number; readonly inodes: number }> {
  const names = await readdir(tree, { recursive: true });
  let blocks = 0;
  for (const name of names) blocks += Math.ceil((await lstat(join(tree, name))).size / BLOCK_SIZE);
  return { blocks, inodes: names.length };
}
