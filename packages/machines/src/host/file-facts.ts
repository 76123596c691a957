import { stat } from 'node:fs/promises';

/** Changes with every write to the file and with its replacement, and takes no time to find out. */
export async function fileFacts(path: string): Promise<string> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return `${size} bytes, inode ${ino}, written at ${mtimeNs}`;
}
