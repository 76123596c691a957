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
  /** The next calls that write are refused as by a database whose disk is full. */
  refuseWrites(count: number): void;
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
  let refusals = 0;
  const server = createServer((client) => {
    const database = createConnection(join(socketDirectory, '.s.PGSQL.5432'));
    let call: string | undefined;
    let isRefused = false;
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
      if (type === 'P') {
        call = writingFunction(body);
        if (call !== undefined) await onStep(`before ${call}`);
        isRefused = call !== undefined && refusals > 0;
        if (isRefused) refusals -= 1;
      }
      // An error is answered at once, and ReadyForQuery at Sync. What comes between them is passed over.
      if (isRefused && type === 'S') {
        isRefused = false;
        call = undefined;
        client.write(diskFull);
        return false;
      }
      return !isRefused;
    });
    void forward(database, client, createMessageReader(false), async (type) => {
      // ReadyForQuery: the call has been committed.
      if (type !== 'Z' || call === undefined) return true;
      const answered = call;
      call = undefined;
      await onStep(`after ${answered}`);
      return true;
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
    refuseWrites: (count) => {
      refusals = count;
    },
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

/** Passes on one message after the other, each for which `onMessage` says so. */
async function forward(
  from: Socket,
  to: Socket,
  read: (chunk: Buffer) => readonly Message[],
  onMessage: (type: string, bytes: Buffer) => Promise<boolean>,
): Promise<void> {
  try {
    for await (const chunk of from) {
      for (const { type, bytes } of read(chunk)) {
        if (!(await onMessage(type, bytes))) continue;
        if (!to.write(bytes)) await once(to, 'drain');
      }
    }
  } catch {
    // The connection is gone, and `close` ends the other one.
  }
}

/** ErrorResponse and ReadyForQuery, as PostgreSQL 18 writes them where a table cannot grow (SQLSTATE 53100, disk_full). */
const diskFull = Buffer.concat([
  message(
    'E',
    [
      'SERROR',
      'VERROR',
      'C53100',
      'Mcould not extend file "base/5/16502": No space left on device',
      'HCheck free disk space.',
      '',
    ]
      .map((field) => `${field}\0`)
      .join(''),
  ),
  message('Z', 'I'),
]);

function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + Buffer.byteLength(body));
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
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
