import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hostFiles } from '../../host/host-files.ts';
import { hasRealtimeClock } from './realtime-clock.ts';

let root: string;

beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'sp-fc-'))));

afterEach(() => rm(root, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), `${text}\n`);
}

describe('the time of day in a snapshot', () => {
  it.each([
    [true, '5.16.0', 'tsc', 'x64'],
    [true, '6.1.0-40-amd64', 'tsc', 'x64'],
    [false, '5.15.0-100-generic', 'tsc', 'x64'],
    [false, '5.10.0', 'tsc', 'x64'],
    [false, '6.1.0', 'kvm-clock', 'x64'],
    [false, '6.1.0', 'hpet', 'x64'],
    [false, '6.1.0', 'tsc', 'arm64'],
  ])('is there (%s) with kernel %s, clock source %s and processor %s', async (there, release, source, architecture) => {
    await put('/proc/sys/kernel/osrelease', release);
    await put('/sys/devices/system/clocksource/clocksource0/current_clocksource', source);
    expect(await hasRealtimeClock(hostFiles(root), architecture)).toBe(there);
  });

  it('is absent where the host does not say what its clock is', async () => {
    expect(await hasRealtimeClock(hostFiles(root), 'x64')).toBe(false);
  });
});
