import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/driver';

import type { NetworkAttachment } from '../network/machine-network.ts';

/**
 * The host's side of `guest/common/etc/sallyport/port`: what is said to a machine without asking its agent. One question
 * at a time, a line of JSON each, answered with a line.
 */
export interface GuestPort {
  /** Stops the agent and all it has started, with its files on the disk: from now on a snapshot can be taken. */
  sleep(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Gives a machine that slept the time, randomness and its place, then lets its agent go on with the new token. */
  wake(wake: GuestWake, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Asks the machine to end. It has heard it when this resolves, and ends some time later. */
  stop(options: { readonly signal: AbortSignal }): Promise<void>;
  close(): void;
}

export interface GuestWake {
  readonly machineId: string;
  readonly place: Pick<NetworkAttachment, 'address' | 'netmask' | 'gateway' | 'mac'>;
  readonly boot: BootConfig;
}

export interface GuestPortOptions {
  readonly machineId: string;
  readonly clock: Clock;
  /** How long an answer may take. Default 30 s: an emulated processor on a busy host is slow. */
  readonly answerMs?: number;
}

const ENTROPY_BYTES = 64;
/** The guest is hostile as a whole once its root is: it gets no more of our memory than this. */
const MAX_ANSWER_BYTES = 1024;

export function createGuestPort(connection: Duplex, options: GuestPortOptions): GuestPort {
  const { machineId, clock, answerMs = 30_000 } = options;
  let last: Promise<unknown> = Promise.resolve();
  connection.on('error', () => {});

  function ask(question: object, what: string, parent: AbortSignal): Promise<void> {
    const turn = last.then(() => askNow(question, what, parent));
    last = turn.catch(() => {});
    return turn;
  }

  async function askNow(question: object, what: string, parent: AbortSignal): Promise<void> {
    const late = (): SallyportError =>
      new SallyportError('MACHINE_TIMED_OUT', `Machine ${machineId} did not ${what} in ${answerMs / 1000} s.`);
    using deadline = clock.deadline(answerMs, late, parent);
    const answer = readLine(connection, deadline.signal);
    connection.write(`${JSON.stringify(question)}\n`);
    if ((await answer) !== '{"ok":true}') {
      throw new SallyportError('MACHINE_FAILED', `Machine ${machineId} could not ${what}.`);
    }
  }

  return {
    sleep: ({ signal }) => ask({ do: 'sleep' }, 'go to sleep', signal),
    wake: ({ machineId: machine, place, boot }, { signal }) => {
      const { address, netmask, gateway, mac } = place;
      const entropy = randomBytes(ENTROPY_BYTES).toString('base64');
      const question = {
        do: 'wake',
        clock: Math.round(clock.now()),
        entropy,
        machine,
        mac,
        address,
        netmask,
        gateway,
        boot: Buffer.from(JSON.stringify(boot)).toString('base64'),
      };
      return ask(question, 'wake up', signal);
    },
    stop: ({ signal }) => ask({ do: 'stop' }, 'end', signal),
    close: () => void connection.destroy(),
  };
}

/** The next line. What came before it was asked for, and after it, is nobody's. */
function readLine(connection: Duplex, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stop = (): void => {
      connection.off('data', read).off('close', ended).off('end', ended);
      signal.removeEventListener('abort', abort);
    };
    const fail = (reason: unknown): void => {
      stop();
      // Half an answer would be taken for the next one.
      connection.destroy();
      reject(reason);
    };
    const ended = (): void => fail(new SallyportError('MACHINE_FAILED', 'The machine ended while it was spoken to.'));
    const abort = (): void => fail(signal.reason);
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\n');
      if (end >= 0) {
        stop();
        resolve(text.slice(0, end).trim());
      } else if (text.length > MAX_ANSWER_BYTES) {
        fail(new SallyportError('MACHINE_FAILED', 'The machine gave an answer that is none.'));
      }
    };
    if (signal.aborted) return abort();
    if (connection.destroyed) return ended();
    connection.on('data', read).once('close', ended).once('end', ended);
    signal.addEventListener('abort', abort, { once: true });
  });
}
