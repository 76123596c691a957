import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { hangUp } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

import { securityHeaders } from '../auth/access.ts';

export interface Handshake {
  readonly key: string;
  /** The one protocol this server speaks over WebSockets, where it was offered. */
  readonly protocol: 'binary' | undefined;
}

export interface RefusedHandshake {
  readonly status: 400 | 405 | 426;
  readonly problem: string;
}

/** The checks of RFC 6455 §4.2.1. The agent's own are behind a hop, and this is the public edge. */
export function parseHandshake({ headers, method }: IncomingMessage): Handshake | RefusedHandshake {
  if (method !== 'GET') return { status: 405, problem: 'A WebSocket is opened with GET.' };
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return { status: 426, problem: 'This address speaks WebSocket only.' };
  }
  if (headers['sec-websocket-version'] !== '13') {
    return { status: 426, problem: 'This server speaks version 13 of WebSocket.' };
  }
  const key = headers['sec-websocket-key'] ?? '';
  // Base64 of 16 bytes has one form: 22 characters, of which the last carries four bits, and two signs.
  if (!/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key)) return { status: 400, problem: 'Sec-WebSocket-Key is not 16 bytes.' };
  return { key, protocol: offeredProtocols(headers).includes('binary') ? 'binary' : undefined };
}

/** The protocols a client offers, in its order (RFC 6455 §11.3.4). */
export function offeredProtocols(headers: IncomingMessage['headers']): readonly string[] {
  return (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/** Answers on a bare socket, where there is no response to fill in, and hangs up. */
export function refuseConnection(socket: Duplex, clock: Clock, status: number, problem: string): void {
  hangUp(socket, formatRefusal(status, problem), clock);
}

/** A whole answer (RFC 9112) that ends the connection. */
export function formatRefusal(status: number, problem: string): string {
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail: problem });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    ...(status === 426 ? ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'] : []),
    ...(status === 405 ? ['Allow: GET'] : []),
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
