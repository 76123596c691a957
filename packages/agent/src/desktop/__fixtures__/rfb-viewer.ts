import { once } from 'node:events';
import type { Readable } from 'node:stream';

import { createWebSocketStream, WebSocket } from 'ws';
import type { ClientOptions } from 'ws';

/** A viewer just good enough to look at one pixel (RFC 6143, raw encoding). */
export interface RfbViewer {
  readonly socket: WebSocket;
  readonly size: { readonly width: number; readonly height: number };
  /** The colour of one pixel, as `rrggbb`: not the middle, where the pointer rests. */
  pixel(): Promise<string>;
  close(): void;
}

export async function connectViewer(url: string, options: ClientOptions = {}): Promise<RfbViewer> {
  const socket = new WebSocket(url, ['binary'], { perMessageDeflate: false, ...options });
  await once(socket, 'open');
  const stream = createWebSocketStream(socket);
  stream.on('error', () => {});
  await take(stream, 12);
  stream.write('RFB 003.008\n');
  const [types = 0] = await take(stream, 1);
  await take(stream, types);
  stream.write(Buffer.from([1]));
  await take(stream, 4);
  stream.write(Buffer.from([1]));
  const init = await take(stream, 24);
  await take(stream, init.readUInt32BE(20));
  const size = { width: init.readUInt16BE(0), height: init.readUInt16BE(2) };
  // 32 bits, little-endian, true colour: blue, green, red, nothing.
  stream.write(Buffer.from([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]));
  stream.write(Buffer.from([2, 0, 0, 1, 0, 0, 0, 0]));
  return {
    socket,
    size,
    pixel: async () => {
      const request = Buffer.alloc(10);
      request.writeUInt8(3, 0);
      request.writeUInt16BE(size.width / 4, 2);
      request.writeUInt16BE(size.height / 4, 4);
      request.writeUInt16BE(1, 6);
      request.writeUInt16BE(1, 8);
      stream.write(request);
      await take(stream, 4 + 12);
      const bytes = await take(stream, 4);
      return Buffer.from([bytes[2] ?? 0, bytes[1] ?? 0, bytes[0] ?? 0]).toString('hex');
    },
    close: () => socket.terminate(),
  };
}

async function take(stream: Readable, size: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = size === 0 ? Buffer.alloc(0) : stream.read(size);
    if (bytes) return bytes;
    await once(stream, 'readable');
  }
}
