import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A connection of a machine to its egress, and what came back over it so far. */
export interface MachineSide {
  readonly socket: Socket;
  /** What has come back, as soon as it holds the mark. Rejects when the connection ends before. */
  until(mark: string): Promise<string>;
  /** Everything that came back, once the connection is over. */
  readonly ended: Promise<string>;
}

/** Writes to an egress route as a machine would, byte for byte. */
export function sendRaw(socketPath: string, text: string): MachineSide {
  const socket = connect(socketPath);
  let received = '';
  const watchers = new Set<() => void>();
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += String(chunk);
    for (const look of watchers) look();
  });
  socket.on('error', () => socket.destroy());
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  socket.write(text);
  return {
    socket,
    ended,
    until: async (mark) => {
      const seen = new Promise<string>((resolve) => {
        const look = (): void => {
          if (received.includes(mark)) resolve(received);
        };
        watchers.add(look);
        look();
      });
      const over = ended.then((all) => {
        throw new Error(`The connection ended before ${JSON.stringify(mark)} came: ${JSON.stringify(all)}`);
      });
      return Promise.race([seen, over]);
    },
  };
}

export function connectRequest(authority: string): string {
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
}
