import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { SallyportError } from '@sallyport/core';
import { orAborted } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

import { toApiError, toBrokenError, toTimeoutError } from './api-error.ts';
import type { FirecrackerRequest } from './request.ts';
import { checkSocketPath } from './names.ts';

export interface ApiClientOptions {
  /** Seen from this process, not from inside the jail. */
  readonly socketPath: string;
  readonly clock: Clock;
}

/** Speaks to one Firecracker process, one request at a time, over one connection. */
export interface ApiClient {
  /**
   * Rejects for everything but a success. The JSON of a `GET`, otherwise `undefined`. A request whose signal ends while
   * it waits for its turn is never sent; the time that an answer may take counts from its turn.
   */
  send(request: FirecrackerRequest, signal: AbortSignal): Promise<unknown>;
  /** Hangs up. What waits for an answer is rejected. */
  close(): void;
}

/** The API thread of a busy host has been seen to take a second; virtual processors get 30 s inside Firecracker. */
const BASE_TIMEOUT_MS = 35_000;
/** A slow cloud disk, 2 GB of memory in 40 s. */
const SLOWEST_MB_PER_SECOND = 50;
/** `GET /vm/config` of a machine with every device it can have is below 10 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_BODY_BYTES = 51_200;

export function createApiClient({ socketPath, clock }: ApiClientOptions): ApiClient {
  checkSocketPath(socketPath);
  // Firecracker takes ten connections in all and serves them in turn: a second one would only hide a wait.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let last: Promise<unknown> = Promise.resolve();

  async function exchange(request: FirecrackerRequest, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted();
    const timeoutMs = timeoutOf(request);
    using deadline = clock.deadline(timeoutMs, () => toTimeoutError(request, timeoutMs), signal);
    try {
      const { status, text } = await transfer(request, deadline.signal);
      if (status === 204) {
        return undefined;
      }
      if (status !== 200) {
        throw toApiError(request, status, text);
      }
      return JSON.parse(text);
    } catch (error) {
      deadline.signal.throwIfAborted();
      throw SallyportError.isInstance(error) ? error : toBrokenError(request, error);
    }
  }

  async function transfer(
    { method, path, body }: FirecrackerRequest,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    if (bytes && bytes.length > MAX_BODY_BYTES) {
      throw new RangeError(`the body has ${bytes.length} bytes, ${MAX_BODY_BYTES} are allowed`);
    }
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpRequest({
        socketPath,
        agent,
        method,
        path,
        signal,
        headers: {
          accept: 'application/json',
          // Without a length Node sends chunks, which Firecracker takes for an empty body and another request.
          ...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }),
        },
      });
      outgoing.once('response', resolve);
      outgoing.on('error', reject);
      outgoing.end(bytes);
    });
    return { status: response.statusCode ?? 0, text: await readText(response) };
  }

  return {
    send: (request, signal) => {
      const sent = last.then(() => exchange(request, signal));
      last = sent.catch(() => {});
      return orAborted(signal, sent);
    },
    close: () => agent.destroy(),
  };
}

/** How long a request may take: longer the more memory it moves. */
export function timeoutOf({ movesMemoryMb = 0 }: FirecrackerRequest): number {
  return BASE_TIMEOUT_MS + Math.ceil((movesMemoryMb / SLOWEST_MB_PER_SECOND) * 1000);
}

/** Reads an answer; what is beyond the limit is dropped with its connection. */
async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) {
      break;
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}
