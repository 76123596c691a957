import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';

/** What listens on a port inside the guest; `undefined`: nothing does. */
export type FakeGuest = (port: number) => ((connection: Socket) => void) | undefined;

/** How the guest takes a connection now: `silent` as long as its processors do not run. */
export type GuestState = 'answers' | 'silent';

/** The longest command the real one reads before it gives up. */
const MAX_COMMAND_BYTES = 32;

/** The host's end of the vsock: `CONNECT 1024\n`, answered by `OK <port>\n`, or by hanging up where nobody listens. */
export function createVsockServer(guest: FakeGuest, state: () => GuestState): Server {
  let nextPort = 1_073_741_824;
  return createServer((connection) => {
    connection.on('error', () => {});
    let read = '';
    const onData = (chunk: Buffer): void => {
      read += chunk.toString('latin1');
      if (!read.includes('\n') && read.length < MAX_COMMAND_BYTES) {
        return;
      }
      connection.off('data', onData);
      const command = /^CONNECT (\d+)\n/i.exec(read);
      const listener = command ? guest(Number(command[1])) : undefined;
      if (!command || !listener) {
        connection.destroy();
        return;
      }
      if (state() === 'silent') {
        return;
      }
      connection.pause();
      connection.write(`OK ${nextPort++}\n`);
      const rest = read.slice(command[0].length);
      if (rest !== '') {
        connection.unshift(Buffer.from(rest, 'latin1'));
      }
      listener(connection);
      connection.resume();
    };
    connection.on('data', onData);
  });
}
