import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { systemClock } from '@sallyport/core';
import { countScanned } from '@sallyport/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openQmp } from './qmp.ts';

const { signal } = new AbortController();
const GREETING = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: '' }, capabilities: ['oob'] } };

interface Command {
  readonly execute: string;
  readonly id: number;
  readonly arguments: unknown;
}

/** A monitor as QEMU's is, on a socket: it greets, and refuses everything before `qmp_capabilities`. */
class FakeMonitor {
  readonly heard: Command[] = [];
  readonly #server: Server;
  #socket: Socket | undefined;

  constructor(path: string, answer: (command: Command) => readonly object[] | undefined) {
    let ready = false;
    this.#server = createServer((socket) => {
      this.#socket = socket;
      this.say(GREETING);
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (text + chunk).split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          const command: Command = JSON.parse(line);
          this.heard.push(command);
          const refusal = { class: 'CommandNotFound', desc: 'Expecting capabilities negotiation' };
          if (command.execute === 'qmp_capabilities') ready = true;
          const answers =
            command.execute === 'qmp_capabilities'
              ? [{ return: {}, id: command.id }]
              : ready
                ? (answer(command) ?? [])
                : [{ id: command.id, error: refusal }];
          for (const message of answers) this.say(message);
        }
      });
    }).listen(path);
  }

  say(message: object): void {
    this.write(`${JSON.stringify(message)}\r\n`);
  }

  write(text: string): void {
    this.#socket?.write(text);
  }

  end(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.end();
    this.#server.close();
  }
}

describe("QEMU's monitor", () => {
  let folder: string;
  let monitor: FakeMonitor | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-qmp-'));
  });

  afterEach(async () => {
    monitor?.close();
    await rm(folder, { recursive: true });
  });

  async function open(answer: (command: Command) => readonly object[] | undefined, answerMs = 5_000) {
    const path = join(folder, 'qmp');
    monitor = new FakeMonitor(path, answer);
    return openQmp(connect(path), { clock: systemClock, signal, answerMs });
  }

  it('scans each character of a long line only a few times, in one-byte chunks', async () => {
    const greeting = JSON.stringify({ ...GREETING, padding: 'x'.repeat(20_000) });
    const answer = JSON.stringify({ return: {}, id: 1 });
    const connection = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const scanned = await countScanned(async () => {
      const opened = openQmp(connection, { clock: systemClock, signal });
      for (const character of `${greeting}\n`) connection.push(character);
      // The answer fits once the command is sent, a few promises after the greeting.
      await setImmediate();
      connection.push(`${answer}\n`);
      await opened;
    });
    expect(scanned).toBeLessThan(10 * greeting.length);
    connection.destroy();
  });

  it('reads the greeting, enables commands and reports the version', async () => {
    const qmp = await open(({ id }) => [{ return: { status: 'running' }, id }]);
    expect(qmp.version).toBe('7.2.22');
    expect(await qmp.execute('query-status', {}, { signal })).toEqual({ status: 'running' });
    expect(monitor?.heard.map(({ execute }) => execute)).toEqual(['qmp_capabilities', 'query-status']);
  });

  it('matches each response to its command despite other messages in between', async () => {
    const held: Command[] = [];
    const qmp = await open((command) => {
      held.push(command);
      if (held.length < 2) return undefined;
      const [first, second] = held;
      return [
        { event: 'STOP', data: {} },
        { return: 2, id: second?.id },
        { return: 1, id: first?.id },
      ];
    });
    const answers = [qmp.execute('one', {}, { signal }), qmp.execute('two', { with: 'words' }, { signal })];
    expect(await Promise.all(answers)).toEqual([1, 2]);
    expect(held[1]?.arguments).toEqual({ with: 'words' });
  });

  it('throws the error message that QEMU returns', async () => {
    const qmp = await open(({ id }) => [{ id, error: { class: 'GenericError', desc: 'Device is locked' } }]);
    await expect(qmp.execute('migrate', {}, { signal })).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      message: 'QEMU refused "migrate": Device is locked',
    });
  });

  it('waits for the matching event', async () => {
    const qmp = await open(({ id }) => [
      { return: {}, id },
      { event: 'MIGRATION', data: { status: 'active' } },
      { event: 'MIGRATION', data: { status: 'completed' } },
    ]);
    const over = qmp.event('MIGRATION', (data) => Object(data)['status'] === 'completed', { signal });
    await qmp.execute('migrate', {}, { signal });
    expect(await over).toEqual({ status: 'completed' });
  });

  it('times out waiting for a response', async () => {
    const qmp = await open(() => undefined, 30);
    await expect(qmp.execute('query-status', {}, { signal })).rejects.toMatchObject({ code: 'MACHINE_TIMED_OUT' });
  });

  it('fails pending and later commands when the monitor dies', async () => {
    const qmp = await open(() => {
      monitor?.end();
      return undefined;
    });
    const dead = { code: 'MACHINE_FAILED', message: "QEMU's monitor ended." };
    await expect(qmp.execute('quit', {}, { signal })).rejects.toMatchObject(dead);
    await expect(qmp.execute('cont', {}, { signal })).rejects.toMatchObject(dead);
  });

  it.each([
    ['is not JSON', 'QEMU\n'],
    ['has no end', 'x'.repeat(2 * 1024 * 1024)],
  ])('does not listen to what %s', async (_what, text) => {
    const qmp = await open(() => {
      monitor?.write(text);
      return undefined;
    });
    await expect(qmp.execute('query-status', {}, { signal })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });
});
