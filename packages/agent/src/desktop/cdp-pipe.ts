import type { Readable, Writable } from 'node:stream';

import { SallyportError } from '@sallyport/core';

/**
 * The Chrome DevTools Protocol over `--remote-debugging-pipe`: JSON messages that each end in a NUL byte. A pipe
 * instead of a port, since a port on loopback is open to every program in the machine.
 */
export interface CdpPipe {
  /** Sends a command and resolves to its result. Give the session id to address one attached target. */
  send(method: string, params: object, options: CdpCall): Promise<CdpResult>;
}

/** The fields of results that are read here; a command answers with some of them. */
export interface CdpResult {
  readonly targetInfos?: readonly { readonly type: string; readonly targetId: string }[];
  readonly targetId?: string;
  readonly processInfo?: readonly { readonly type: string; readonly id: number }[];
  readonly sessionId?: string;
  /** Of `Page.navigate`: why there is no page, for instance `net::ERR_TUNNEL_CONNECTION_FAILED`. */
  readonly errorText?: string;
}

export interface CdpCall {
  readonly sessionId?: string;
  readonly signal: AbortSignal;
}

interface Waiting {
  resolve(result: CdpResult): void;
  reject(error: unknown): void;
}

interface CdpMessage {
  readonly id?: number;
  readonly result?: CdpResult;
  readonly error?: { readonly message: string };
}

/** Bytes of one message. A browser that says more than this is not answering anything we asked. */
const LONGEST_MESSAGE = 16 << 20;

export function createCdpPipe(input: Writable, output: Readable): CdpPipe {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closed: SallyportError | undefined;

  const close = (why: string): void => {
    closed ??= new SallyportError('MACHINE_FAILED', `The browser cannot be steered any more: ${why}`);
    for (const call of waiting.values()) call.reject(closed);
    waiting.clear();
    output.destroy();
  };
  onMessages(
    output,
    (text) => {
      const message: CdpMessage = JSON.parse(text);
      if (message.id === undefined) return;
      const call = waiting.get(message.id);
      if (message.error) call?.reject(new SallyportError('MACHINE_FAILED', `The browser: ${message.error.message}`));
      else call?.resolve(message.result ?? {});
    },
    close,
  );
  input.on('error', (error) => close(error.message));

  return {
    send: async (method, params, { sessionId, signal }) => {
      signal.throwIfAborted();
      if (closed) throw closed;
      const id = ++lastId;
      const abort = (): void => waiting.get(id)?.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await new Promise<CdpResult>((resolve, reject) => {
          waiting.set(id, { resolve, reject });
          input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
      } finally {
        waiting.delete(id);
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

function onMessages(output: Readable, onMessage: (text: string) => void, onClose: (why: string) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  output.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, start)) {
      parts.push(chunk.subarray(start, end));
      const text = Buffer.concat(parts).toString('utf8');
      parts = [];
      size = 0;
      start = end + 1;
      try {
        onMessage(text);
      } catch (error) {
        onClose(`it sent something that is not a message (${String(error)})`);
        return;
      }
    }
    const rest = chunk.subarray(start);
    parts.push(rest);
    size += rest.length;
    if (size > LONGEST_MESSAGE) onClose(`it sent a message of more than ${LONGEST_MESSAGE} bytes`);
  });
  output.on('error', (error) => onClose(error.message));
  output.on('close', () => onClose('its pipe was closed'));
}
