import { once } from 'node:events';
import type { Socket } from 'node:net';

import type { Admission } from './fake-upstream.ts';

const VERSION = 5;
const BY_PASSWORD = 2;
const NO_METHOD = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const SUCCEEDED = [VERSION, 0, 0, IPV4, 0, 0, 0, 0, 0, 0];
const NOT_ALLOWED = [VERSION, 2, 0, IPV4, 0, 0, 0, 0, 0, 0];

/** SOCKS 5 (RFC 1928) with user and password (RFC 1929), CONNECT to IPv4 addresses only. */
export function acceptSocks(socket: Socket, admission: Admission): void {
  converse(socket, admission).catch(() => socket.destroy());
}

async function converse(socket: Socket, admission: Admission): Promise<void> {
  const [, methodCount = 0] = await read(socket, 2);
  const methods = await read(socket, methodCount);
  if (!methods.includes(BY_PASSWORD)) {
    admission.note('wrong-password');
    socket.end(Buffer.from([VERSION, NO_METHOD]));
    return;
  }
  socket.write(Buffer.from([VERSION, BY_PASSWORD]));
  const [, nameLength = 0] = await read(socket, 2);
  const username = (await read(socket, nameLength)).toString();
  const [passwordLength = 0] = await read(socket, 1);
  const password = (await read(socket, passwordLength)).toString();
  if (!admission.isLogin(username, password)) {
    admission.note('wrong-password');
    socket.end(Buffer.from([1, 1]));
    return;
  }
  socket.write(Buffer.from([1, 0]));
  const [, command, , kind] = await read(socket, 4);
  if (command !== CONNECT || kind !== IPV4) {
    admission.note('refused');
    socket.end(Buffer.from(NOT_ALLOWED));
    return;
  }
  const where = await read(socket, 6);
  admission.note('opened', `${where.subarray(0, 4).join('.')}:${where.readUInt16BE(4)}`);
  socket.write(Buffer.from(SUCCEEDED));
  admission.serve(socket);
}

/** Exactly this many bytes. Throws when the client leaves before. */
async function read(socket: Socket, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  for (;;) {
    const bytes: unknown = socket.read(length);
    if (Buffer.isBuffer(bytes)) {
      if (bytes.length < length) throw new Error('The client left in the middle of a greeting.');
      return bytes;
    }
    if (socket.readableEnded || socket.destroyed) throw new Error('The client left in the middle of a greeting.');
    await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
}
