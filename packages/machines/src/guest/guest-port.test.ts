import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';

import { systemClock } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/driver';
import { describe, expect, it } from 'vitest';

import { createGuestPort } from './guest-port.ts';

const { signal } = new AbortController();
const boot: BootConfig = {
  machineId: 'm-one',
  epoch: 2,
  role: 'cli',
  token: 'token-of-the-next-boot-0123456789-0123456789',
  listen: { port: 8080, host: '0.0.0.0' },
  home: '/sallyport/home',
  runtime: '/run/m',
  clis: {},
};
const place = {
  address: '192.168.100.7',
  netmask: '255.255.255.0',
  gateway: '192.168.100.1',
  mac: '02:fc:c0:a8:64:07',
};

/** A guest that hears lines, and answers each with what is given, in pieces where there is a bar. */
function guest(answers: readonly string[], answerMs = 2_000) {
  const [ours, theirs]: Duplex[] = duplexPair();
  if (!ours || !theirs) throw new Error('a pair is two');
  const heard: unknown[] = [];
  const left = [...answers];
  theirs.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n').filter(Boolean)) {
      heard.push(JSON.parse(line));
      const answer = left.shift();
      for (const piece of answer?.split('|') ?? []) theirs.write(piece);
    }
  });
  return { heard, theirs, port: createGuestPort(ours, { machineId: 'm-one', clock: systemClock, answerMs }) };
}

describe('the port of a guest', () => {
  it('asks one thing after the other, each with what it needs', async () => {
    const { port, heard } = guest(['{"ok":true}\n', '{"ok":true}\n', '{"ok":true}\n']);
    await Promise.all([
      port.sleep({ signal }),
      port.wake({ machineId: 'm-one', place, boot }, { signal }),
      port.stop({ signal }),
    ]);
    expect(heard).toEqual([
      { do: 'sleep' },
      {
        do: 'wake',
        clock: expect.any(Number),
        entropy: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
        machine: 'm-one',
        ...place,
        boot: Buffer.from(JSON.stringify(boot)).toString('base64'),
      },
      { do: 'stop' },
    ]);
  });

  it('says which machine could not do what', async () => {
    const { port } = guest(['{"ok":false}\n']);
    await expect(port.sleep({ signal })).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      message: 'Machine m-one could not go to sleep.',
    });
  });

  it('takes an answer that comes in pieces, and no answer that has no end', async () => {
    await guest(['{"ok"|:true}|\n']).port.sleep({ signal });
    const endless = guest(['x'.repeat(5000)]);
    await expect(endless.port.sleep({ signal })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });

  it('waits only so long, and speaks to nobody afterwards', async () => {
    const { port } = guest([], 20);
    await expect(port.stop({ signal })).rejects.toMatchObject({ code: 'MACHINE_TIMED_OUT' });
    await expect(port.stop({ signal })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });

  it('notices a machine that ends in the middle', async () => {
    const { port, theirs } = guest([]);
    const asked = port.sleep({ signal });
    theirs.destroy();
    await expect(asked).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });
});
