import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

/**
 * Writes an `.Xauthority` with one fresh MIT-MAGIC-COOKIE-1, for the X server and its clients. Without it any
 * local user could open the display through its socket in `/tmp/.X11-unix`. The format is in Xau(3): a
 * family, then four strings, each with a 16-bit big-endian length. The wild family and the empty
 * display number match every display, which is not known before the server has chosen one.
 */
export async function writeXauthority(file: string): Promise<void> {
  const family = Buffer.from([0xff, 0xff]);
  const entry = [family, field(''), field(''), field('MIT-MAGIC-COOKIE-1'), field(randomBytes(16))];
  await writeFile(file, Buffer.concat(entry), { mode: 0o600 });
}

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
