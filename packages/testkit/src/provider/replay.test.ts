import { manifestSchema } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import type { Transcript } from '../transcript.ts';
import { createPlayer } from './replay.ts';
import { linksInBytes, randomSplittings, windowsAround } from './splits.ts';

const bytes = new TextEncoder().encode(
  'Open https://auth.example.com/device\r\nCode: AB12-CD34EF\r\nWaiting\r\n\u001b[1mDone\u001b[0m\r\n',
);
const transcript: Transcript = { name: 'device', bytes, columns: 80, rows: 24, exit: 0, pauses: [] };

const method = (userCode: string): ReturnType<typeof manifestSchema.shape.logins.element.parse> =>
  manifestSchema.shape.logins.element.parse({
    id: 'device-code',
    title: 'Device code',
    kind: 'device-code',
    drive: { kind: 'terminal', argv: [] },
    url: {
      sources: ['text'],
      hosts: ['auth.example.com'],
      pathPrefixes: ['/device'],
      textAfter: { text: 'Code:' },
    },
    userCode: { pattern: userCode },
    freshHome: true,
    success: [{ text: 'Done' }],
    timeoutMs: 60_000,
  });
const careful = method('(?s)Code: ([A-Z0-9]{4}-[A-Z0-9]{4,8}).*Waiting');
const hasty = method('Code: ([A-Z0-9]{4}-[A-Z0-9]{4,8})');

const done = {
  urls: ['https://auth.example.com/device'],
  userCodes: ['AB12-CD34EF'],
  asked: [],
  sent: [],
  result: 'finished',
};

describe('a replay', () => {
  it('comes to the same wherever a careful manifest is cut', async () => {
    const player = createPlayer(transcript, careful);
    expect(await player.whole([])).toEqual(done);
    const window = await player.openWindow({ start: 20, end: bytes.length });
    const cuts = [];
    for await (const { cut, outcome } of window.replay()) {
      expect(outcome).toEqual(done);
      cuts.push(cut);
      if (cut !== 'every byte') expect(await player.whole([cut])).toEqual(done);
    }
    expect(cuts).toEqual([...Array.from({ length: bytes.length - 20 }, (_, index) => 21 + index), 'every byte']);
    window.close();
  });

  it('shows that a hasty manifest announces half a code', async () => {
    const player = createPlayer(transcript, hasty);
    expect(await player.whole([])).toEqual(done);
    const cut = Buffer.from(bytes).indexOf('EF\r\n');
    const window = await player.openWindow({ start: 10, end: bytes.length });
    const hurt = [];
    for await (const { cut: at, outcome } of window.replay()) {
      if (outcome.userCodes.includes('AB12-CD34')) hurt.push(at);
    }
    window.close();
    expect(hurt).toContain(cut);
    expect(hurt).toContain('every byte');
    expect((await player.whole([cut])).userCodes).toContain('AB12-CD34');
  });

  it('stops where the CLI waited for a key that is not sent', async () => {
    const offset = Buffer.from(bytes).indexOf('Waiting');
    const waiting = { ...transcript, pauses: [{ offset, silentMs: 1000, until: '\r' }] };
    expect(await createPlayer(waiting, careful).whole([])).toMatchObject({ urls: [], result: 'waiting' });
  });

  it('finds where the engine acts', async () => {
    const offsets = await createPlayer(transcript, careful).actionOffsets();
    expect(offsets).toEqual([Buffer.from(bytes).indexOf('Waiting') + 'Waiting'.length]);
  });
});

describe('the cuts', () => {
  it('lie around every link, with the margins joined', () => {
    const [link] = linksInBytes(bytes);
    expect(link).toEqual({ start: 5, end: 36 });
    expect(
      windowsAround(
        [
          { start: 300, end: 310 },
          { start: 700, end: 710 },
          { start: 2000, end: 2001 },
        ],
        2100,
      ),
    ).toEqual([
      { start: 44, end: 966 },
      { start: 1744, end: 2100 },
    ]);
  });

  it('are the same for the same seed', () => {
    const cuts = (seed: string): unknown => randomSplittings(1000, [{ start: 10, end: 20 }], 100, seed);
    expect(cuts('a')).toEqual(cuts('a'));
    expect(cuts('a')).not.toEqual(cuts('b'));
  });
});
