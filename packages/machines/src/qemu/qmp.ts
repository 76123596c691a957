import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

/**
 * QEMU's monitor: one line of JSON for each command, answer and event (docs/interop/qmp-spec in QEMU's source). Its
 * output is untrusted: a guest that escaped from its machine could write here.
 */
export interface QmpClient {
  /** For instance `7.2.22`. */
  readonly version: string;
  /** Runs a command and returns its answer. */
  execute(command: string, words: QmpWords, options: { readonly signal: AbortSignal }): Promise<unknown>;
  /** Returns the data of the next matching event. Call it before the command that triggers the event. */
  event(name: string, fits: (data: unknown) => boolean, options: { readonly signal: AbortSignal }): Promise<unknown>;
  close(): void;
}

export type QmpWords = Readonly<Record<string, unknown>>;

export interface QmpOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Response timeout. Default 10 s. */
  readonly answerMs?: number;
}

const MAX_LINE = 1024 * 1024;

/** Reads the greeting and enables commands. */
export async function openQmp(
  connection: Duplex,
  { clock, signal, answerMs = 10_000 }: QmpOptions,
): Promise<QmpClient> {
  const lines = followLines(connection);
  let lastId = 0;

  async function execute(command: string, words: QmpWords, parent: AbortSignal): Promise<unknown> {
    const late = (): SallyportError =>
      new SallyportError('MACHINE_TIMED_OUT', `QEMU did not answer "${command}" in ${answerMs / 1000} s.`);
    using deadline = clock.deadline(answerMs, late, parent);
    const id = ++lastId;
    const answer = lines.next((message) => message['id'] === id, deadline.signal);
    connection.write(`${JSON.stringify({ execute: command, arguments: words, id })}\n`);
    const message = await answer;
    if ('return' in message) return message['return'];
    const { desc } = Object(message['error']);
    throw new SallyportError('MACHINE_FAILED', `QEMU refused "${command}": ${String(desc).slice(0, 500)}`);
  }

  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', "QEMU's monitor did not send its greeting.");
  using deadline = clock.deadline(answerMs, late, signal);
  const greeting = await lines.next((message) => 'QMP' in message, deadline.signal);
  await execute('qmp_capabilities', {}, signal);
  return {
    version: versionOf(greeting),
    execute: (command, words, options) => execute(command, words, options.signal),
    event: async (name, fits, options) =>
      (await lines.next((message) => message['event'] === name && fits(message['data']), options.signal))['data'],
    close: () => void connection.destroy(),
  };
}

function versionOf(greeting: Message): string {
  const { major, minor, micro } = Object(Object(Object(greeting['QMP'])['version'])['qemu']);
  return [major, minor, micro].map(String).join('.');
}

type Message = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly fits: (message: Message) => boolean;
  readonly resolve: (message: Message) => void;
  readonly reject: (reason: unknown) => void;
}

/** Passes each message to its waiter. Drops messages without a waiter. */
function followLines(connection: Duplex) {
  const waiting = new Set<Waiting>();
  let ended: SallyportError | undefined;
  // Chunks of the incomplete line.
  let open: string[] = [];
  let openLength = 0;

  function end(why: string, cause?: unknown): void {
    ended ??= new SallyportError('MACHINE_FAILED', `QEMU's monitor ${why}.`, { cause });
    for (const { reject } of waiting) reject(ended);
    waiting.clear();
    connection.destroy();
  }

  function take(line: string): void {
    let message: Message;
    try {
      message = Object(JSON.parse(line));
    } catch (cause) {
      end('sent invalid JSON', cause);
      return;
    }
    for (const one of waiting) {
      if (one.fits(message)) {
        waiting.delete(one);
        one.resolve(message);
      }
    }
  }

  connection.setEncoding('utf8');
  connection.on('data', (chunk: string) => {
    const [first = '', ...others] = chunk.split('\n');
    open.push(first);
    openLength += first.length;
    for (const next of others) {
      const line = open.join('');
      open = [next];
      openLength = next.length;
      if (line.trim() !== '') take(line);
    }
    if (openLength > MAX_LINE) end('sent a line that is too long');
  });
  connection.on('error', (cause) => end('broke off', cause)).on('close', () => end('ended'));

  return {
    next: (fits: Waiting['fits'], signal: AbortSignal): Promise<Message> =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (ended) return reject(ended);
        const stop = (): void => {
          waiting.delete(one);
          signal.removeEventListener('abort', abort);
        };
        const abort = (): void => one.reject(signal.reason);
        const one: Waiting = {
          fits,
          resolve: (message) => {
            stop();
            resolve(message);
          },
          reject: (reason) => {
            stop();
            reject(reason);
          },
        };
        waiting.add(one);
        signal.addEventListener('abort', abort, { once: true });
      }),
  };
}
