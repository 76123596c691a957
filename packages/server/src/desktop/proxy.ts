import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { SallyportError, systemClock, toSallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { UpgradedDesktop } from '@sallyport/core/protocol';

import { parseHandshake, refuseConnection } from './websocket-handshake.ts';

export interface SpliceOptions {
  /** The viewer's request, already authorised: origin, ticket and session are checked before. */
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Opens the agent's end. `protocol` is what the agent is asked for, never the ticket. */
  upgrade(key: string, protocol: string | undefined, signal: AbortSignal): Promise<UpgradedDesktop>;
  readonly limits: DesktopLimits;
  /** Called once, when the viewer is gone, for whatever reason. */
  readonly onEnd: (end: DesktopEnd) => void;
  readonly clock?: Clock;
}

export interface DesktopLimits {
  readonly maxLifetimeMs: number;
  /** A viewer that sends and gets nothing for so long is ended. The agent's pings count, so it is a broken one. */
  readonly idleMs: number;
  /** Both directions together. */
  readonly maxBytes: number;
}

export interface DesktopEnd {
  readonly reason: 'closed' | 'refused' | 'agent-failed' | 'lifetime' | 'idle' | 'bytes';
  readonly toViewer: number;
  readonly fromViewer: number;
  /** For the log, never for the viewer. */
  readonly error?: SallyportError;
}

/** How long the agent may take to answer the upgrade. */
const UPGRADE_MS = 10_000;

/**
 * Joins a viewer's WebSocket to the agent's by their raw bytes. Frames are not looked at, so back-pressure, pings and
 * close codes run from end to end, and there is no frame parser on the public edge. Extensions are not offered
 * to the agent: nothing here could carry out what they agree on.
 */
export async function spliceDesktop(options: SpliceOptions): Promise<void> {
  const { request, socket, onEnd, clock = systemClock } = options;
  // Until the pipeline listens, a viewer that vanishes would be an uncaught error.
  socket.on('error', () => {});
  const handshake = parseHandshake(request);
  if ('problem' in handshake) {
    refuseConnection(socket, clock, handshake.status, handshake.problem);
    onEnd({ reason: 'refused', toViewer: 0, fromViewer: 0 });
    return;
  }
  let agent: UpgradedDesktop;
  const gone = new AbortController();
  const leave = (): void => gone.abort(new SallyportError('AGENT_UNREACHABLE', 'The viewer left.'));
  socket.once('close', leave);
  using deadline = clock.deadline(UPGRADE_MS, upgradeTimedOut, gone.signal);
  try {
    agent = await options.upgrade(handshake.key, handshake.protocol, deadline.signal);
  } catch (error) {
    refuseConnection(socket, clock, 502, 'The desktop does not answer.');
    const known = toSallyportError(error, 'AGENT_UNREACHABLE', 'The agent did not open its desktop.');
    onEnd({ reason: 'agent-failed', toViewer: 0, fromViewer: 0, error: known });
    return;
  } finally {
    deadline.clear();
    socket.off('close', leave);
  }
  agent.socket.on('error', () => {});
  if (gone.signal.aborted || !isToken(agent.accept) || (agent.protocol !== undefined && !isToken(agent.protocol))) {
    agent.socket.destroy();
    refuseConnection(socket, clock, 502, 'The desktop does not answer.');
    onEnd({ reason: gone.signal.aborted ? 'closed' : 'agent-failed', toViewer: 0, fromViewer: 0 });
    return;
  }
  socket.write(acceptance(agent));
  socket.write(agent.head);
  agent.socket.write(options.head);
  onEnd(await join(socket, agent, options, clock));
}

async function join(
  viewer: Duplex,
  agent: UpgradedDesktop,
  { head, limits }: SpliceOptions,
  clock: Clock,
): Promise<DesktopEnd> {
  const counts = { toViewer: agent.head.length, fromViewer: head.length };
  const over = new AbortController();
  let reason: DesktopEnd['reason'] = 'closed';
  let lastByteAt = clock.monotonic();
  const end = (why: DesktopEnd['reason']): void => {
    if (over.signal.aborted) return;
    reason = why;
    over.abort();
  };
  const counter = (direction: 'toViewer' | 'fromViewer'): Transform =>
    new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        counts[direction] += chunk.length;
        lastByteAt = clock.monotonic();
        if (counts.toViewer + counts.fromViewer > limits.maxBytes) end('bytes');
        done(null, chunk);
      },
    });
  const watch = async (): Promise<void> => {
    const startedAt = clock.monotonic();
    for (;;) {
      const now = clock.monotonic();
      const untilOld = startedAt + limits.maxLifetimeMs - now;
      const untilIdle = lastByteAt + limits.idleMs - now;
      if (untilOld <= 0) return end('lifetime');
      if (untilIdle <= 0) return end('idle');
      await clock.sleep(Math.min(untilOld, untilIdle), over.signal);
    }
  };
  const watching = watch().catch(() => {});
  const { signal } = over;
  // An agent that closes would break the direction to it at once, and with it the other, whose last bytes may still be on
  // their way to a slow viewer.
  agent.socket.allowHalfOpen = true;
  const ways = [
    pipeline(viewer, counter('fromViewer'), agent.socket, { signal }),
    pipeline(agent.socket, counter('toViewer'), viewer, { signal }),
  ];
  // When one way ends or breaks, the other must not wait for bytes that never come.
  for (const way of ways) {
    way.then(
      () => end('closed'),
      () => end('closed'),
    );
  }
  await Promise.allSettled(ways);
  viewer.destroy();
  agent.socket.destroy();
  await watching;
  return { reason, ...counts };
}

function acceptance(agent: UpgradedDesktop): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${agent.accept}`,
    ...(agent.protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${agent.protocol}`]),
    '\r\n',
  ].join('\r\n');
}

/** What may stand in a header line: an agent is not trusted to end the line itself. */
function isToken(value: string): boolean {
  return /^[A-Za-z0-9+/=._-]+$/.test(value);
}

function upgradeTimedOut(): SallyportError {
  return new SallyportError('AGENT_UNREACHABLE', `The agent did not open its desktop within ${UPGRADE_MS / 1000} s.`);
}
