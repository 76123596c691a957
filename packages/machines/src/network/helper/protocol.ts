import type { Socket } from 'node:net';

/**
 * What the server asks of the helper: one line of JSON at the start of a connection, answered with one line. After a
 * good answer to `connect`, the connection is the one to the guest.
 */
export type HelperRequest =
  | { readonly kind: 'open'; readonly address: string; readonly egressSocket: string }
  | { readonly kind: 'close'; readonly address: string }
  | { readonly kind: 'connect'; readonly address: string; readonly port: number };

export type HelperAnswer = { readonly ok: true } | { readonly ok: false; readonly problem: string };

const MAX_LINE = 8 * 1024;

/** Both ends are ours, and the socket is nobody else's. */
export function formatLine(message: HelperRequest | HelperAnswer): string {
  return `${JSON.stringify(message)}\n`;
}

/** The first line of a connection; what follows stays in the socket for the next reader. */
export function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = Buffer.alloc(0);
    const stop = (): void => {
      socket.off('readable', read).off('close', ended).off('end', ended).off('error', reject);
    };
    const ended = (): void => {
      stop();
      reject(new Error('The connection ended before its first line did.'));
    };
    const read = (): void => {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        const end = chunk.indexOf('\n');
        line = Buffer.concat([line, end < 0 ? chunk : chunk.subarray(0, end)]);
        if (line.length > MAX_LINE) {
          stop();
          reject(new Error('The first line of a connection is too long.'));
          return;
        }
        if (end >= 0) {
          stop();
          const rest = chunk.subarray(end + 1);
          if (rest.length > 0) socket.unshift(rest);
          resolve(line.toString('utf8'));
          return;
        }
      }
    };
    socket.on('readable', read).on('close', ended).on('end', ended).on('error', reject);
  });
}
