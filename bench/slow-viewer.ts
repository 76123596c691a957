import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Bench } from './bench.ts';
import { residentMb } from './support/processes.ts';
import { startWorker } from './support/worker.ts';

const LIMIT_MB = 50;
const STREAM_BYTES = 200e6;
const SIP_BYTES = 64 * 1024;
/** At most 33 MB a second, from a source that is many times as fast. */
const SIP_MS = 2;
/** RFC 6455 §5.5.3: a pong that nobody asked for, with a mask of zeros. The bridge ends viewers that it hears nothing of. */
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const SIPS_PER_PONG = 200;
/** V8 collects buffers when there are 64 MB of them. That garbage is not kept for anybody, and hides what is. */
const COLLECT_GARBAGE = ['--expose-gc', '--import', 'data:text/javascript,setInterval(gc, 100).unref()'];
const SAMPLE_MS = 20;

/**
 * A screen that has 200 MB to send, and a viewer who takes 64 KiB every 2 ms: real splice in one process, real bridge in
 * another, new ones for each viewer. Judged is what is kept in memory for the slow viewer, from the first byte to the last.
 */
export const slowViewer: Bench = {
  name: 'slow-viewer',
  run: async (world, count) => {
    const source = await startSource(join(world.folder, 'source.sock'));
    const growths: Growth[] = [];
    try {
      for (let viewer = 0; viewer < count; viewer += 1) {
        growths.push(await measureViewer(world.folder));
      }
    } finally {
      source.close();
    }
    return (['server', 'agent'] as const).map((side) => ({
      title: `slow viewer: growth of the ${side}`,
      kind: 'value',
      unit: 'MB',
      samples: growths.map((growth) => growth[side]),
      limit: LIMIT_MB,
    }));
  },
};

/** The most memory since the viewer came, less what there was before, in MB. */
interface Growth {
  readonly server: number;
  readonly agent: number;
}

async function measureViewer(folder: string): Promise<Growth> {
  const agentSocket = join(folder, 'bridge.sock');
  await rm(agentSocket, { force: true });
  const agent = await startWorker('bridge.ts', [join(folder, 'source.sock'), agentSocket], COLLECT_GARBAGE);
  const server = await startWorker('splice.ts', [agentSocket], COLLECT_GARBAGE);
  const growth = watchGrowth({ server: server.pid, agent: agent.pid });
  try {
    await growth.started;
    await view(Number(server.ready));
    return growth.most();
  } finally {
    await growth.end();
    await Promise.all([server.end(), agent.end()]);
  }
}

/** In the place of the VNC server: sends as much as is taken, 200 MB in all. */
async function startSource(path: string): Promise<Server> {
  const server = createServer((socket) => void pour(socket));
  server.listen(path);
  await once(server, 'listening');
  return server;
}

function pour(socket: Socket): Promise<void> {
  const pieces = function* (): Generator<Buffer> {
    const piece = Buffer.alloc(100_000, 'x');
    for (let sent = 0; sent < STREAM_BYTES; sent += piece.length) yield piece;
  };
  // A viewer that leaves, before the end or after it, is not an error of the source.
  socket.on('error', () => {});
  return pipeline(Readable.from(pieces()), socket).catch(() => {});
}

/** One slow viewer from its handshake to the last of the 200 MB. */
async function view(port: number): Promise<void> {
  const { socket, head } = await upgrade(port);
  let got = head.length;
  for (let sips = 0; got < STREAM_BYTES; sips += 1) {
    if (sips % SIPS_PER_PONG === 0) socket.write(PONG);
    const sip: Buffer | null = socket.read(Math.min(SIP_BYTES, socket.readableLength));
    got += sip?.length ?? 0;
    if (socket.readableEnded) throw new Error(`The viewer got ${got} of ${STREAM_BYTES} bytes.`);
    await sleep(SIP_MS);
  }
  socket.destroy();
}

function upgrade(port: number): Promise<{ readonly socket: Duplex; readonly head: Buffer }> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'binary',
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/', headers });
    outgoing.on('upgrade', (_response, socket, head) => resolve({ socket, head }));
    outgoing.on('response', ({ statusCode }) => reject(new Error(`The viewer was answered ${statusCode}.`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Follows the memory of both processes until `end`. */
function watchGrowth(pids: { readonly server: number; readonly agent: number }) {
  const read = async (): Promise<Growth> => ({
    server: await residentMb(pids.server),
    agent: await residentMb(pids.agent),
  });
  const over = new AbortController();
  let most: Growth = { server: 0, agent: 0 };
  const started = read();
  const watch = async (): Promise<void> => {
    const before = await started;
    while (!over.signal.aborted) {
      const now = await read();
      most = {
        server: Math.max(most.server, now.server - before.server),
        agent: Math.max(most.agent, now.agent - before.agent),
      };
      await sleep(SAMPLE_MS);
    }
  };
  const watching = watch();
  return {
    started,
    most: () => most,
    end: () => {
      over.abort();
      return watching;
    },
  };
}
