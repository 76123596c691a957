import { SallyportError } from '@sallyport/core';

/** One dispatched event of a `text/event-stream` (HTML standard, §9.2.6). */
export interface ServerSentEvent {
  /** The last `id:` seen so far; empty before the first one. */
  readonly id: string;
  readonly data: string;
}

/** Largest event we take, in bytes: an offer of ten credential files of 256 KiB never comes as one event. */
const MAX_EVENT_BYTES = 2 * 1024 * 1024;

/**
 * Reads events from the bytes of an answer. The field `event:` and `retry:` are not used by the agent and
 * are skipped as the standard says for unknown fields. An event cut off by the end of the stream is dropped.
 */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
  maxEventBytes: number = MAX_EVENT_BYTES,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  let size = 0;
  let id = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    pending += decoder.decode(chunk, { stream: true });
    // A carriage return at the very end may be half of a CRLF: it waits for the next chunk.
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) {
          yield { id, data: data.join('\n') };
        }
        data = [];
        size = Buffer.byteLength(pending);
        continue;
      }
      const { field, value } = splitField(line);
      if (field === 'data') {
        data.push(value);
      } else if (field === 'id' && !value.includes('\0')) {
        id = value;
      }
    }
    if (size > maxEventBytes) {
      throw new SallyportError('AGENT_REFUSED', `The agent sent an event of more than ${maxEventBytes} bytes.`);
    }
  }
}

function splitField(line: string): { readonly field: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) {
    return { field: line, value: '' };
  }
  const value = line.slice(colon + 1);
  return { field: line.slice(0, colon), value: value.startsWith(' ') ? value.slice(1) : value };
}
