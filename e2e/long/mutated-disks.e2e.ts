import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { seededRandom } from '../../bench/statistics.ts';
import { createGuestDisk } from '../../packages/machines/src/disk/__fixtures__/guest-disk.ts';

const IMAGES = 200;
const BLOCK = 4096;
const MOST_CHANGES = 6;

const file = { path: '~/.codex/auth.json', content: '{"token":"of the ledger"}', mode: 0o600 };

/**
 * Disks with bytes changed at random, where a file system keeps what it knows of itself. Each seed makes the same disk
 * again. On every other one nothing has a checksum, so that what is wrong gets further than the first look.
 */
describe.each([true, false])('a disk with random damage (checksums: %s)', (checksums) => {
  it(`ends in data or a refusal, ${IMAGES / 2} times`, { timeout: 900_000 }, async () => {
    using guest = await createGuestDisk();
    await guest.disk.inject('codex', [file]);
    if (!checksums) {
      execFileSync('/usr/sbin/tune2fs', ['-O', '^metadata_csum,^uninit_bg', guest.path], { stdio: 'pipe' });
      execFileSync('/usr/sbin/e2fsck', ['-fp', guest.path], { stdio: 'pipe' });
    }
    const original = guest.bytes();
    const blocks = Array.from({ length: original.length / BLOCK }, (_, index) => index * BLOCK).filter((at) =>
      original.subarray(at, at + BLOCK).some((byte) => byte !== 0),
    );
    const damage = guest.keep();
    const outcomes = { data: 0, refused: 0 };
    for (let seed = 0; seed < IMAGES / 2; seed += 1) {
      const random = seededRandom(seed);
      const below = (limit: number): number => Math.floor(random() * limit);
      const changes = Array.from({ length: 1 + below(MOST_CHANGES) }, () => {
        const block = blocks[below(blocks.length)] ?? 0;
        // Most of a block is empty, and what counts stands at its beginning.
        return { at: block + below(random() < 0.5 ? 256 : BLOCK), byte: below(256) };
      });
      damage(changes);
      for (const act of [
        () => guest.disk.harvest('codex', [file.path]),
        () => guest.disk.inject('codex', [file]),
        () => guest.disk.remove('codex', [file.path]),
      ]) {
        const before = guest.hash();
        const refusal: unknown = await act().then(
          () => undefined,
          (error: unknown) => error,
        );
        outcomes[refusal === undefined ? 'data' : 'refused'] += 1;
        if (refusal === undefined) continue;
        expect(refusal, `seed ${seed}`).toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
        expect(guest.hash(), `seed ${seed}`).toBe(before);
      }
    }
    console.log(`Random damage, checksums ${checksums}: ${JSON.stringify(outcomes)}.`);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
});
