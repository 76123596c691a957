import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

/** Sent to a viewer when the user opened the desktop in another window. The page must not come back by itself. */
export const VIEWER_REPLACED = 4001;

export interface VncBridge {
  /** Answers a WebSocket upgrade and shows the desktop there. A viewer that is already here is closed. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Bytes of all viewers so far. */
  readonly traffic: { readonly toViewer: number; readonly fromViewer: number };
  close(): void;
}

export interface VncBridgeOptions {
  /** Unix socket of the VNC server. */
  readonly socketPath: string;
  /** A viewer that answers no ping within this time is gone. Default 15 s. */
  readonly heartbeatMs?: number;
  readonly clock?: Clock;
}

/** Waiting bytes at which the source is paused, and at which it goes on. Measured; see docs/decisions. */
const HIGH_WATER = 1 << 20;
const LOW_WATER = 1 << 18;

/** The largest message a viewer may send: a paste. */
const LARGEST_MESSAGE = 1 << 20;

/**
 * WebSocket to RFB. Compression is off: the rectangles are compressed already, and it costs 25 times the processor
 * time. One viewer at a time, since two would fight over the pointer; the newest wins, so that a user whose
 * old connection hangs gets in.
 */
export function createVncBridge(options: VncBridgeOptions): VncBridge {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  });
  const traffic = { toViewer: 0, fromViewer: 0 };
  let current: { end(code: number, reason: string): void } | undefined;

  return {
    traffic,
    handleUpgrade: (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (viewer) => {
        current?.end(VIEWER_REPLACED, 'another window took over');
        const mine = join(viewer, connect(options.socketPath), traffic, options);
        current = mine;
        viewer.on('close', () => {
          if (current === mine) current = undefined;
        });
      });
    },
    close: () => {
      current?.end(1001, 'the desktop was closed');
      server.close();
    },
  };
}

type Traffic = { toViewer: number; fromViewer: number };

function join(viewer: WebSocket, vnc: Socket, traffic: Traffic, options: VncBridgeOptions) {
  const over = new AbortController();
  let paused = false;

  vnc.on('data', (data) => {
    traffic.toViewer += data.length;
    viewer.send(data, { binary: true }, () => {
      if (paused && viewer.bufferedAmount < LOW_WATER) {
        paused = false;
        vnc.resume();
      }
    });
    if (!paused && viewer.bufferedAmount > HIGH_WATER) {
      paused = true;
      vnc.pause();
    }
  });
  viewer.on('message', (message: Buffer, isBinary) => {
    if (!isBinary) {
      viewer.close(1003, 'RFB is binary');
      return;
    }
    traffic.fromViewer += message.length;
    if (!vnc.write(message)) {
      viewer.pause();
      vnc.once('drain', () => viewer.resume());
    }
  });
  vnc.on('error', () => viewer.close(1011, 'the desktop does not answer'));
  vnc.on('close', () => viewer.close(1001, 'the desktop was closed'));
  // A broken connection also closes; there is nothing to tell anybody.
  viewer.on('error', () => {});
  viewer.on('close', () => {
    over.abort();
    vnc.destroy();
  });
  void keepAlive(viewer, options, over.signal);

  return {
    end: (code: number, reason: string): void => {
      vnc.destroy();
      viewer.close(code, reason);
    },
  };
}

/** Ends a viewer that is gone without saying so. Resolves when the viewer is over. */
async function keepAlive(viewer: WebSocket, options: VncBridgeOptions, signal: AbortSignal): Promise<void> {
  const { clock = systemClock, heartbeatMs = 15_000 } = options;
  let answered = true;
  viewer.on('pong', () => (answered = true));
  while (!signal.aborted) {
    if (!answered) {
      viewer.terminate();
      return;
    }
    answered = false;
    viewer.ping();
    await clock.sleep(heartbeatMs, signal).catch(() => {});
  }
}
