import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/** Stands between a server and its PostgreSQL, and sees each call of a function that writes. */
export interface PostgresProxy {
  /** For `DATABASE_URL`. */
  readonly url: string;
  /** Breaks every connection. New ones are taken. */
  cut(): void;
  close(): Promise<void>;
}

export interface PostgresProxyOptions {
  /** Directory of the database's socket. */
  readonly socketDirectory: string;
  /** Waited for before a call goes to the database, and before its answer comes back. */
  readonly onStep: (step: string) => Promise<void>;
}

/**
 * Reads PostgreSQL's protocol (https://www.postgresql.org/docs/current/protocol-message-formats.html) as far as it must:
 * each operation of the store is one call of a function, and those that write have a parameter `p_claim`.
 */
export async function startPostgresProxy({ socketDirectory, onStep }: PostgresProxyOptions): Promise<PostgresProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = createConnection(join(socketDirectory, '.s.PGSQL.5432'));
    let call: string | undefined;
    const pair = [client, database];
    for (const socket of pair) {
      sockets.add(socket);
      // Either side's end is the other's.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        for (const each of pair) each.destroy();
      });
    }
    void forward(client, database, createMessageReader(true), async (type, body) => {
      if (type !== 'P') return;
      call = writingFunction(body);
      if (call !== undefined) await onStep(`before ${call}`);
    });
    void forward(database, client, createMessageReader(false), async (type) => {
      // ReadyForQuery: the call has been committed.
      if (type !== 'Z' || call === undefined) return;
      const answered = call;
      call = undefined;
      await onStep(`after ${answered}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    cut,
    url: `postgres://postgres@127.0.0.1:${address.port}/postgres?sslmode=disable`,
    close: async () => {
      cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}

interface Message {
  /** Empty for the first message of a connection, which has no type. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** Passes on one message after the other, each after `onMessage`. */
async function forward(
  from: Socket,
  to: Socket,
  read: (chunk: Buffer) => readonly Message[],
  onMessage: (type: string, bytes: Buffer) => Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of from) {
      for (const { type, bytes } of read(chunk)) {
        await onMessage(type, bytes);
        if (!to.write(bytes)) await once(to, 'drain');
      }
    }
  } catch {
    // The connection is gone, and `close` ends the other one.
  }
}

function createMessageReader(isClient: boolean): (chunk: Buffer) => readonly Message[] {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = isClient;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Message[] = [];
    for (;;) {
      const head = isFirst ? 0 : 1;
      if (rest.length < head + 4) return messages;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return messages;
      messages.push({ type: isFirst ? '' : rest.toString('latin1', 0, 1), bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
      isFirst = false;
    }
  };
}

function writingFunction(parse: Buffer): string | undefined {
  const text = parse.toString('utf8');
  return text.includes('p_claim') ? /\bsallyport\.(\w+)\(/.exec(text)?.[1] : undefined;
}
