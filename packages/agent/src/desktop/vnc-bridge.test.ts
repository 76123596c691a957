import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { createVncBridge, VIEWER_REPLACED } from './vnc-bridge.ts';

describe('the bridge between viewers and the VNC server', () => {
  const leftovers: (() => void)[] = [];

  afterEach(() => {
    for (const undo of leftovers.splice(0).toReversed()) undo();
  });

  /** A VNC server that does what the test says, and a bridge to it. */
  async function start(onConnection: (vnc: Socket) => void, heartbeatMs = 15_000) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-bridge-'));
    const [socketPath, viewerPath] = [join(folder, 'vnc.sock'), join(folder, 'viewer.sock')];
    const vncServer = createServer((vnc) => {
      vnc.on('error', () => {});
      onConnection(vnc);
    }).listen(socketPath);
    const bridge = createVncBridge({ socketPath, heartbeatMs });
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
    const { url } = await start(() => {}, 50);
    const viewer = await view(url, { autoPong: false });
    const [code] = await once(viewer, 'close');
    expect(code).toBe(1006);
  });

  it('keeps a viewer that answers', async () => {
    const { url } = await start(() => {}, 20);
    const viewer = await view(url);
    await systemClock.sleep(200);
    expect(viewer.readyState).toBe(WebSocket.OPEN);
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

  it('lets a slow viewer cost no memory: 200 MB wait at the source', { timeout: 60_000 }, async () => {
    const total = 200e6;
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
    viewer.pause();
    await systemClock.sleep(200);
    const before = process.memoryUsage().rss;
    await systemClock.sleep(1_500);
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
    // It is the source that waits, and everything arrives once the viewer reads again.
    expect(taken).toBeLessThan(20e6);
    let received = 0;
    viewer.on('message', (data: Buffer) => (received += data.length));
    viewer.resume();
    await once(viewer, 'close');
    expect(received).toBe(taken);
  });
});
