import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { insertPrompt, loadTranscript, offsetOf, pauseBefore } from './transcript.ts';
import type { Transcript } from './transcript.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-transcript-'));
afterAll(() => rmSync(folder, { recursive: true }));

function recorded(
  sent: readonly (readonly [number, string])[],
  chunks: readonly (readonly [number, number])[],
): Transcript {
  writeFileSync(join(folder, 'login.bin'), 'one two three');
  const facts = { columns: 80, rows: 24, exit: 0, sent, chunks_t_len: chunks };
  writeFileSync(join(folder, 'login.json'), JSON.stringify(facts));
  return loadTranscript(join(folder, 'login.bin'));
}

describe('a transcript', () => {
  it('knows where the CLI waited for a key, and for which', () => {
    const transcript = recorded(
      [[1.5, String.raw`b'y\r\x1b'`]],
      [
        [0.1, 4],
        [0.2, 4],
        [1.6, 5],
      ],
    );
    expect(transcript.pauses).toEqual([{ offset: 8, silentMs: 1400, until: 'y\r\u001b' }]);
  });

  it('knows where the CLI was silent for a second or more', () => {
    expect(
      recorded(
        [],
        [
          [3, 4],
          [3.9, 4],
          [5, 5],
        ],
      ).pauses,
    ).toEqual([{ offset: 8, silentMs: 1100 }]);
  });

  it('is refused when its description is of something else', () => {
    writeFileSync(join(folder, 'other.bin'), '');
    writeFileSync(join(folder, 'other.json'), '{"columns":"wide"}');
    expect(() => loadTranscript(join(folder, 'other'))).toThrow(/does not describe a recording/);
  });

  it('takes a prompt and a pause, and moves what comes after', () => {
    const transcript = pauseBefore(recorded([], [[0, 13]]), 'three', 2000);
    const prompted = insertPrompt(transcript, offsetOf(transcript, 'two'), 'ok? ', 'y');
    expect(Buffer.from(prompted.bytes).toString()).toBe('one ok? two three');
    expect(prompted.pauses).toEqual([
      { offset: 8, silentMs: 1000, until: 'y' },
      { offset: 12, silentMs: 2000 },
    ]);
  });

  it('says so when a text to look for is not there', () => {
    expect(() => offsetOf(recorded([], [[0, 13]]), 'four')).toThrow(/does not contain 'four'/);
  });
});
