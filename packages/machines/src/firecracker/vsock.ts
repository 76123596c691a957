import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { connectSocket } from '../host/connect-socket.ts';

export interface VsockTarget {
  /** The socket Firecracker made, seen from this process. */
  readonly path: string;
  /** The port the agent listens on inside the guest. */
  readonly port: number;
  /** User of the process that made the socket: a file of anybody else's in its place is not connected to. */
  readonly owner: number;
}

const RETRY_MS = 30;
/** A guest that does not answer within this was paused and resumed by a version that forgets its connections. */
const HANDSHAKE_MS = 1000;
/** `OK 4294967295\n`. */
const MAX_ANSWER_BYTES = 32;

/** Waits for a guest to boot: the connection is hung up on for as long as nobody listens. The signal ends the wait. */
export async function waitForVsock(target: VsockTarget, clock: Clock, signal: AbortSignal): Promise<Socket> {
  for (;;) {
    try {
      return await connectVsock(target, clock, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (SallyportError.isInstance(error) && error.code !== 'AGENT_UNREACHABLE') {
        throw error;
      }
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** One connection to a port of the guest, after the handshake. */
export async function connectVsock(
  { path, port, owner }: VsockTarget,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  using deadline = clock.deadline(HANDSHAKE_MS, () => unreachable(path, 'it does not answer'), signal);
  let socket: Socket | undefined;
  const abort = (): void => void socket?.destroy();
  deadline.signal.addEventListener('abort', abort, { once: true });
  try {
    socket = await connectSocket(path, owner, deadline.signal);
    await shakeHands(socket, port);
    deadline.signal.throwIfAborted();
    return socket;
  } catch (error) {
    socket?.destroy();
    deadline.signal.throwIfAborted();
    throw unreachable(path, error instanceof Error ? error.message : 'no answer', error);
  } finally {
    deadline.signal.removeEventListener('abort', abort);
  }
}

/** What follows the answer's line is the guest's and stays in the socket. */
function shakeHands(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('it hung up'));
    let answer = '';
    const read = (): void => {
      for (let byte = readByte(socket); byte !== undefined; byte = readByte(socket)) {
        answer += byte;
        if (byte === '\n' || answer.length > MAX_ANSWER_BYTES) {
          socket.off('readable', read).off('close', closed).off('error', reject);
          return /^OK \d+\n$/.test(answer) ? resolve() : reject(new Error('it is not a vsock of Firecracker'));
        }
      }
    };
    socket.on('readable', read).once('close', closed).once('error', reject);
    socket.write(`CONNECT ${port}\n`);
  });
}

function readByte(socket: Socket): string | undefined {
  const byte: unknown = socket.read(1);
  return Buffer.isBuffer(byte) ? byte.toString('latin1') : undefined;
}

function unreachable(path: string, why: string, cause?: unknown): SallyportError {
  return new SallyportError('AGENT_UNREACHABLE', `Nobody answers in the guest behind ${path}: ${why}.`, { cause });
}
