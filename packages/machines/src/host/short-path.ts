import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A socket path (`sun_path`) holds at most 107 bytes on Linux and 103 on macOS (unix(7), unix(4)), and data directories
 * can be deeper. The limit applies to the path passed, so a symlink in the temporary directory is enough.
 */
const MAX_SOCKET_PATH = 103;

export interface ShortPath {
  /** The directory itself, or a short symlink to it. */
  readonly path: string;
  /** The directory of the symlink, to remove later; absent if no symlink was needed. */
  readonly shortcut?: string;
}

/** Returns a path of the directory short enough for a socket name of up to `nameLength` bytes. */
export async function shortenDirectory(directory: string, nameLength: number): Promise<ShortPath> {
  if (Buffer.byteLength(directory) + 1 + nameLength <= MAX_SOCKET_PATH) {
    return { path: directory };
  }
  const shortcut = await mkdtemp(join(tmpdir(), 'sp-'));
  // The machine's user must be able to traverse it; the target directory has its own permissions.
  await chmod(shortcut, 0o711);
  const path = join(shortcut, 'd');
  await symlink(directory, path);
  return { path, shortcut };
}

export async function removeShortcut(shortcut: string | undefined): Promise<void> {
  if (shortcut !== undefined && /\/sp-[A-Za-z0-9]{6}$/.test(shortcut)) {
    await rm(shortcut, { recursive: true, force: true });
  }
}
