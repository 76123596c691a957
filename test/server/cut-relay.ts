import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A stretch of network in front of a server, which can be cut. */
export interface CutRelay {
  readonly url: string;
  /** Port that connections lead to from now on; `undefined`, as at first, refuses them. */
  target: number | undefined;
  /** Breaks every open connection, as a router that restarts would. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
}

export async function startCutRelay(): Promise<CutRelay> {
  const open = new Set<Socket>();
  const relay = createServer((near) => {
    if (state.target === undefined) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(state.target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket
        .on('error', () => other.destroy())
        .on('close', () => {
          open.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  const { port }: AddressInfo = Object(relay.address());
  const state: CutRelay = {
    url: `http://127.0.0.1:${port}`,
    target: undefined,
    cut: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    close: async () => {
      state.cut();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
  return state;
}
