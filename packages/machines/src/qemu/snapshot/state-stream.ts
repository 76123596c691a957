import { constants } from 'node:fs';
import { chown, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';

import { sockets } from '../layout.ts';

export interface ReceiveOptions {
  /** QEMU's directory, where it finds the socket. */
  readonly run: string;
  readonly uid: number | undefined;
  readonly file: FileHandle;
  /** More than a machine's memory nobody has to tell. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Opens a socket for QEMU to send the state of its machine to. It never has the file, and may start no program that
 * would write it. Resolves when QEMU can connect; `done` when it has sent everything, with how many bytes that were.
 */
export async function receiveState(options: ReceiveOptions): Promise<{ readonly done: Promise<number> }> {
  const { run, uid, file, maxBytes, signal } = options;
  await using folder = await open(run, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const path = `/proc/self/fd/${folder.fd}/${sockets.state}`;
  const server = createServer();
  const sender = new Promise<Socket>((resolve, reject) => {
    server.once('connection', resolve).once('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  if (uid !== undefined) await chown(path, uid, uid);

  async function receive(): Promise<number> {
    try {
      const socket = await sender;
      const hangUp = (): void => void socket.destroy();
      signal.addEventListener('abort', hangUp, { once: true });
      const meter = createMeter(maxBytes);
      await file.writeFile(meter.through(socket));
      signal.removeEventListener('abort', hangUp);
      signal.throwIfAborted();
      return meter.bytes();
    } finally {
      server.close();
    }
  }
  const done = receive();
  // Looked at when QEMU has told how it went.
  done.catch(() => {});
  return { done };
}

/**
 * Sends a state to QEMU, and returns how many bytes it had. Rejects if QEMU hangs up before it has taken everything.
 *
 * QEMU closes the socket as soon as it has read the end of the state, often before this side ends it. `pipeline` then waits
 * for ever for an end that it has already seen, whatever becomes of its signal, so this writes chunk by chunk.
 */
export async function sendState(file: FileHandle, receiver: Socket, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const meter = createMeter(Number.MAX_SAFE_INTEGER);
  const hangUp = (): void => void receiver.destroy();
  // Each write tells of it too.
  receiver.on('error', () => {});
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    for await (const chunk of meter.through(chunksOf(file))) {
      await write(receiver, chunk);
      signal.throwIfAborted();
    }
    return meter.bytes();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', hangUp);
    receiver.end();
  }
}

/** Resolves when the system has taken the chunk. */
function write(receiver: Socket, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: unknown): void =>
      reject(
        new SallyportError('MACHINE_FAILED', 'QEMU hung up before it had the whole state of the machine.', { cause }),
      );
    const closed = (): void => fail();
    if (receiver.closed) return closed();
    receiver.once('close', closed);
    receiver.write(chunk, (error) => {
      receiver.off('close', closed);
      if (error) fail(error);
      else resolve();
    });
  });
}

const CHUNK_BYTES = 1024 * 1024;

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function createMeter(maxBytes: number) {
  let bytes = 0;
  return {
    through: async function* through(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          throw new SallyportError('MACHINE_FAILED', 'A machine has more to save than its memory.');
        }
        yield chunk;
      }
    },
    bytes: (): number => bytes,
  };
}
