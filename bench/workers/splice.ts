import { createServer } from 'node:http';
import { connect } from 'node:net';

import { Secret } from '@sallyport/core';

import { upgradeDesktop } from '../../packages/machines/src/agent-client/upgrade-desktop.ts';
import { spliceDesktop } from '../../packages/server/src/desktop/proxy.ts';

/** The server's side of a screen, alone in a process: `splice.ts <socket of the agent>`. Sends its port when it listens. */
const [, , agentSocket = ''] = process.argv;
const { promise: exited } = Promise.withResolvers<never>();
const machine = { connect: async () => connect(agentSocket), exited };
const token = new Secret('no agent asks for it here');
const server = createServer();
server.on('upgrade', (request, socket, head) => {
  void spliceDesktop({
    request,
    socket,
    head,
    upgrade: (key, protocol, signal) => upgradeDesktop({ machine, token }, { key, protocol }, signal),
    limits: { maxLifetimeMs: 600_000, idleMs: 60_000, maxBytes: 1e12 },
    onEnd: () => {},
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
