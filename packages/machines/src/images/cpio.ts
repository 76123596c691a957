/** One entry of an archive. Directories end in `/`. */
export interface ArchiveEntry {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

const FOLDER = 0o040000;
const FILE = 0o100000;
const ALIGNMENT = 4;

/**
 * A cpio archive of the "newc" kind, as Linux unpacks an initrd from it (Documentation/driver-api/early-userspace/
 * buffer-format.rst). Everything belongs to root and is as old as the epoch: the same files make the same bytes.
 */
export function writeCpio(entries: readonly ArchiveEntry[]): Buffer {
  const end: ArchiveEntry = { path: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) };
  return Buffer.concat([
    ...entries.flatMap((entry, index) => record(entry, index + 1, entry.path.endsWith('/') ? FOLDER : FILE)),
    ...record(end, 0, 0),
  ]);
}

function record({ path, mode, content }: ArchiveEntry, inode: number, kind: number): readonly Buffer[] {
  const name = Buffer.from(`${path.replace(/\/$/, '')}\0`);
  const links = kind === FOLDER ? 2 : 1;
  // inode, mode, uid, gid, links, mtime, size, device and special device (major, minor each), name's length, checksum
  const fields = [inode, kind | mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [padded(Buffer.concat([header, name])), padded(content)];
}

function padded(bytes: Buffer): Buffer {
  const missing = (ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}
