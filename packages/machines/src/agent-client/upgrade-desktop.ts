import type { IncomingMessage } from 'node:http';

import type { UpgradedDesktop } from '@sallyport/core/protocol';

import { toAgentError, toUnreachable } from './agent-problem.ts';
import { prepare } from './agent-request.ts';
import type { AgentTarget } from './agent-request.ts';

/**
 * Opens the machine's screen as a WebSocket connection (RFC 6455 §4.1), for splicing with the user's own.
 * Of the user's request only the key and the protocol go on; cookies, origin and extensions stay outside.
 */
export async function upgradeDesktop(
  target: AgentTarget,
  request: { readonly key: string; readonly protocol: string | undefined },
  signal: AbortSignal,
): Promise<UpgradedDesktop> {
  const { outgoing } = await prepare(
    target,
    {
      method: 'GET',
      path: '/vnc',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': request.key,
        'sec-websocket-version': '13',
        ...(request.protocol !== undefined && { 'sec-websocket-protocol': request.protocol }),
      },
    },
    signal,
  );
  return new Promise<UpgradedDesktop>((resolve, reject) => {
    outgoing.once('upgrade', (response: IncomingMessage, socket, head: Buffer) => {
      const accept = response.headers['sec-websocket-accept'];
      if (typeof accept !== 'string') {
        socket.destroy();
        reject(toAgentError('GET /vnc', response.statusCode ?? 0, ''));
        return;
      }
      resolve({ socket, head, accept, protocol: response.headers['sec-websocket-protocol'] });
    });
    outgoing.once('response', (response: IncomingMessage) => {
      response.destroy();
      reject(toAgentError('GET /vnc', response.statusCode ?? 0, ''));
    });
    outgoing.on('error', (cause) => reject(signal.aborted ? signal.reason : toUnreachable('GET /vnc', cause)));
    outgoing.end();
  });
}
