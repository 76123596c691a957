import { PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { createCdpPipe } from './cdp-pipe.ts';

describe('the debugging pipe', () => {
  const signal = new AbortController().signal;

  it('matches answers to commands whatever their order and however they are cut', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const cdp = createCdpPipe(input, output);
    const first = cdp.send('Target.getTargets', {}, { signal });
    const second = cdp.send('Target.createTarget', { url: 'about:blank' }, { signal });
    expect(String(input.read())).toBe(
      '{"id":1,"method":"Target.getTargets","params":{}}\0' +
        '{"id":2,"method":"Target.createTarget","params":{"url":"about:blank"}}\0',
    );
    const answers = Buffer.from(
      '{"method":"Some.event"}\0{"id":2,"result":{"targetId":"é"}}\0{"id":1,"result":{"targetInfos":[]}}\0',
    );
    for (const byte of answers) output.write(Buffer.from([byte]));
    expect(await second).toEqual({ targetId: 'é' });
    expect(await first).toEqual({ targetInfos: [] });
  });

  it('rejects a command the browser refuses, with its words', async () => {
    const output = new PassThrough();
    const refused = createCdpPipe(new PassThrough(), output).send('No.such', {}, { signal });
    output.write('{"id":1,"error":{"message":"wasn\'t found"}}\0');
    await expect(refused).rejects.toMatchObject({ code: 'MACHINE_FAILED', message: "The browser: wasn't found" });
  });

  it('rejects what waits, and what comes later, when the browser goes', async () => {
    const output = new PassThrough();
    const cdp = createCdpPipe(new PassThrough(), output);
    const waiting = cdp.send('Target.getTargets', {}, { signal });
    output.destroy();
    await expect(waiting).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    await expect(cdp.send('Target.getTargets', {}, { signal })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
  });

  it('stops waiting when the caller does', async () => {
    const abort = new AbortController();
    const cdp = createCdpPipe(new PassThrough(), new PassThrough());
    const waiting = cdp.send('Target.getTargets', {}, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('gives up on a message without an end', async () => {
    const output = new PassThrough();
    const cdp = createCdpPipe(new PassThrough(), output);
    const waiting = cdp.send('Target.getTargets', {}, { signal });
    for (let sent = 0; sent <= 16; sent++) output.write(Buffer.alloc(1 << 20, 'x'));
    await expect(waiting).rejects.toThrow('more than');
  });
});
