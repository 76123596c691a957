import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `sun_path` of a unix socket holds 107 bytes on Linux and 103 on macOS (unix(7), unix(4)); data directories
 * can lie deeper. Only the path that is passed counts, so a link in the temporary directory is enough.
 */
const MAX_SOCKET_PATH = 103;

export interface ShortPath {
  /** The directory itself, or a short link to it. */
  readonly path: string;
  /** The directory the link lies in, to be removed later; absent where none was needed. */
  readonly shortcut?: string;
}

/** A path to a directory below which a socket with a name of up to `nameLength` bytes can be made. */
export async function shortenDirectory(directory: string, nameLength: number): Promise<ShortPath> {
  if (Buffer.byteLength(directory) + 1 + nameLength <= MAX_SOCKET_PATH) {
    return { path: directory };
  }
  const shortcut = await mkdtemp(join(tmpdir(), 'sp-'));
  // Another user, the machine's, must pass through it; the directory it points to has its own permissions.
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
