import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { createPatientClock } from '../__fixtures__/patient-clock.ts';
import { createVncBridge, VIEWER_REPLACED } from './vnc-bridge.ts';

const HEARTBEAT_MS = 15_000;

describe('the bridge between viewers and the VNC server', () => {
  const leftovers: (() => void)[] = [];

  afterEach(() => {
    for (const undo of leftovers.splice(0).toReversed()) undo();
  });

  /** A VNC server that does what the test says, and a bridge to it. */
  async function start(onConnection: (vnc: Socket) => void, clock: Clock = systemClock) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-bridge-'));
    const [socketPath, viewerPath] = [join(folder, 'vnc.sock'), join(folder, 'viewer.sock')];
    const vncServer = createServer((vnc) => {
      vnc.on('error', () => {});
      onConnection(vnc);
    }).listen(socketPath);
    const bridge = createVncBridge({ socketPath, heartbeatMs: HEARTBEAT_MS, clock });
    const http = createHttpServer().on('upgrade', (request, socket, head) =>
      bridge.handleUpgrade(request, socket, head),
    );
    await once(http.listen(viewerPath), 'listening');
    leftovers.push(() => {
      bridge.close();
      vncServer.close();
      http.close();
      rmSync(folder, { recursive: true });
    });
    return { bridge, vncServer, url: `ws+unix://${viewerPath}:/vnc` };
  }

  async function view(url: string, options?: { autoPong?: boolean }): Promise<WebSocket> {
    const viewer = new WebSocket(url, ['binary'], options);
    leftovers.push(() => viewer.terminate());
    await once(viewer, 'open');
    return viewer;
  }

  it('carries bytes both ways unchanged and counts them', async () => {
    const { bridge, url } = await start((vnc) => vnc.on('data', (data) => vnc.write(data)));
    const viewer = await view(url);
    viewer.send(Buffer.from([0, 255, 1]));
    const [echo] = await once(viewer, 'message');
    expect(echo).toEqual(Buffer.from([0, 255, 1]));
    expect(viewer.protocol).toBe('binary');
    expect(bridge.traffic).toEqual({ toViewer: 3, fromViewer: 3 });
  });

  it('takes no compression, even when the viewer offers it', async () => {
    const { url } = await start(() => {});
    const viewer = await view(url);
    expect(viewer.extensions).toBe('');
  });

  it('gives the desktop to the newest viewer and tells the one before', async () => {
    const { url } = await start((vnc) => vnc.write('hello'));
    const first = await view(url);
    const closed = once(first, 'close');
    const second = await view(url);
    const [code, reason] = await closed;
    expect([code, String(reason)]).toEqual([VIEWER_REPLACED, 'another window took over']);
    expect(second.readyState).toBe(WebSocket.OPEN);
  });

  it('ends a viewer that answers no ping', async () => {
    const clock = createPatientClock();
    const { url } = await start(() => {}, clock);
    const viewer = await view(url, { autoPong: false });
    const closed = once(viewer, 'close');
    await clock.advance(HEARTBEAT_MS);
    expect((await closed)[0]).toBe(1006);
  });

  it('keeps a viewer that answers', async () => {
    const clock = createPatientClock();
    const { url } = await start((vnc) => vnc.on('data', (data) => vnc.write(data)), clock);
    const viewer = await view(url);
    const closed = once(viewer, 'close').then(() => 'closed');
    const echo = (): Promise<string> => {
      viewer.send(Buffer.from([1]));
      return Promise.race([once(viewer, 'message').then(() => 'echo'), closed]);
    };
    for (let beat = 0; beat < 5; beat++) {
      // The first echo comes behind the ping, and the second goes out behind the answer to it.
      expect([await echo(), await echo()]).toEqual(['echo', 'echo']);
      await clock.advance(HEARTBEAT_MS);
    }
    expect(await echo()).toBe('echo');
  });

  it('refuses text and messages larger than a paste', async () => {
    const { url } = await start(() => {});
    const texting = await view(url);
    texting.send('text');
    expect((await once(texting, 'close'))[0]).toBe(1003);
    const shouting = await view(url);
    shouting.send(Buffer.alloc((1 << 20) + 1));
    expect((await once(shouting, 'close'))[0]).toBe(1009);
  });

  it('closes the viewer when the VNC server goes or was never there', async () => {
    const { url, vncServer } = await start((vnc) => vnc.end());
    expect((await once(await view(url), 'close'))[0]).toBe(1001);
    vncServer.close();
    await once(vncServer, 'close');
    expect((await once(await view(url), 'close'))[0]).toBe(1011);
  });

  it('lets a slow viewer cost no memory: what it has not read waits at the source', async () => {
    const total = 32e6;
    let taken = 0;
    const { url } = await start((vnc) => {
      const chunk = Buffer.alloc(32 * 1024, 7);
      const pump = (): void => {
        while (taken < total) {
          taken += chunk.length;
          if (!vnc.write(chunk)) return;
        }
        vnc.end();
      };
      vnc.on('drain', pump);
      pump();
    });
    const viewer = await view(url);
    let [received, mostUnderway] = [0, 0];
    viewer.on('message', (data: Buffer) => {
      received += data.length;
      mostUnderway = Math.max(mostUnderway, taken - received);
      viewer.pause();
      void readOn();
    });
    // In each of these turns of the event loop, the bridge could read many times what the viewer takes at once.
    const readOn = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      viewer.resume();
    };
    await once(viewer, 'close');
    expect(received).toBe(taken);
    // The bridge holds one megabyte; the rest is in sockets.
    expect(mostUnderway).toBeLessThan(6e6);
  });
});
