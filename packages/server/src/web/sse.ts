export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/**
 * Reads server-sent events from a response (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * `EventSource` cannot: it sends GET only.
 */
export async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerSentEvent> {
  let rest = '';
  let id = '';
  let data: string[] = [];
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === 'id') id = value;
      if (name === 'data') data.push(value);
      if (line === '' && data.length > 0) {
        yield { id, data: data.join('\n') };
        data = [];
      }
    }
  }
}
