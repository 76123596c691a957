import { get } from 'node:http';

/** Clients of one stream of server-sent events. */
export interface Readers {
  /** Resolves when each of them has read to the end. */
  readonly ended: Promise<void>;
}

/** Opens a stream this many times, and resolves when every answer has begun. */
export async function openReaders(url: string, count: number, onData: (text: string) => void): Promise<Readers> {
  const opened = await Promise.all(Array.from({ length: count }, () => openReader(url, onData)));
  return { ended: Promise.all(opened.map(({ ended }) => ended)).then(() => undefined) };
}

function openReader(url: string, onData: (text: string) => void): Promise<{ readonly ended: Promise<void> }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly ended: Promise<void> }>();
  // A connection each: fetch would share some.
  const request = get(url, { agent: false }, (response) => {
    if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}.`));
    response.setEncoding('utf8');
    const ended = new Promise<void>((end, fail) => {
      response.on('data', onData).once('end', end).once('error', fail);
    });
    resolve({ ended });
  });
  request.once('error', reject);
  return promise;
}
