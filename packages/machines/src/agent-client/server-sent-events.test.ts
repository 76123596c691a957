import { countScanned } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { readServerSentEvents } from './server-sent-events.ts';

async function read(pieces: readonly string[], limit?: number): Promise<{ id: string; data: string }[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      yield Buffer.from(piece, 'latin1');
    }
  }
  const events = [];
  for await (const event of readServerSentEvents(chunks(), limit)) {
    events.push(event);
  }
  return events;
}

describe('readServerSentEvents', () => {
  it('reads ids, joins data lines and skips comments and unknown fields', async () => {
    expect(await read([': hello\n\nid: 1\nevent: x\ndata: a\ndata:b\nretry: 3\n\ndata: c\n\n'])).toEqual([
      { id: '1', data: 'a\nb' },
      { id: '1', data: 'c' },
    ]);
  });

  it('gives the same events however the bytes are cut, for every line ending', async () => {
    const whole = Buffer.from(
      'id: 7\r\ndata: gr\u00fc\u00df\r\n\r\ndata: two\rdata: lines\r\rid: 8\ndata: x\n\n',
    ).toString('latin1');
    const expected = [
      { id: '7', data: 'gr\u00fc\u00df' },
      { id: '7', data: 'two\nlines' },
      { id: '8', data: 'x' },
    ];
    expect(await read(whole.split(''))).toEqual(expected);
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(await read([whole.slice(0, cut), whole.slice(cut)])).toEqual(expected);
    }
  });

  it('looks at each character of a long line a few times at most, in chunks of one byte', async () => {
    const line = `data: ${'x'.repeat(20_000)}`;
    const scanned = await countScanned(async () => {
      expect(await read(`${line}\n\n`.split(''))).toHaveLength(1);
    });
    expect(scanned).toBeLessThan(10 * line.length);
  });

  it('drops an event that the end of the stream cut off', async () => {
    expect(await read(['data: whole\n\ndata: half'])).toEqual([{ id: '', data: 'whole' }]);
  });

  it('refuses an event above the limit, in one line or in many', async () => {
    await expect(read(['data: ', 'x'.repeat(60), 'x'.repeat(60)], 100)).rejects.toMatchObject({
      code: 'AGENT_REFUSED',
    });
    await expect(
      read(
        Array.from({ length: 30 }, () => 'data: xx\n'),
        100,
      ),
    ).rejects.toMatchObject({ code: 'AGENT_REFUSED' });
    expect(
      await read(
        Array.from({ length: 30 }, () => 'data: xx\n\n'),
        100,
      ),
    ).toHaveLength(30);
  });
});
