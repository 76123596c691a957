import { createServer } from 'node:http';

import { createVncBridge } from '../../packages/agent/src/desktop/vnc-bridge.ts';

/** The agent's side of a screen, alone in a process: `bridge.ts <RFB socket> <socket to listen on>`. */
const [, , source = '', socket = ''] = process.argv;
const bridge = createVncBridge({ socketPath: source });
const server = createServer();
server.on('upgrade', (request, connection, head) => bridge.handleUpgrade(request, connection, head));
server.listen(socket, () => process.send?.(0));
