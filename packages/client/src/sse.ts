export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/**
 * Reads server-sent events from a response (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * `EventSource` cannot: it sends neither `Authorization` nor anything but GET.
 */
export async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerSentEvent> {
  // Pieces of the line that is not complete yet. They are joined once: a CLI chooses how long its lines are.
  let open: string[] = [];
  let afterReturn = false;
  let id = '';
  let data: string[] = [];
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    if (text === '') continue;
    const [first = '', ...others] = text.slice(afterReturn && text.startsWith('\n') ? 1 : 0).split(/\r\n|\r|\n/);
    afterReturn = text.endsWith('\r');
    open.push(first);
    for (const next of others) {
      const line = open.join('');
      open = [next];
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
