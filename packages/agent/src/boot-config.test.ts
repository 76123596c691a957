import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import type { BootConfig } from '@sallyport/core/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { until } from '../../../test/setup/until.ts';
import { followBootConfig, readBootConfig } from './boot-config.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-boot-'));
  file = join(folder, 'boot.json');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** Puts a configuration in the place of the one before, as a host does. */
async function put(token: string): Promise<void> {
  const config = { machineId: 'm', epoch: 1, role: 'cli', token: token.padEnd(40, '0'), home: '/h', runtime: '/r' };
  const next = join(folder, 'boot.next');
  await writeFile(next, JSON.stringify({ ...config, listen: { socket: '/s' }, clis: {} }));
  await rename(next, file);
}

const read = (): Promise<BootConfig> => readBootConfig(file, Readable.from([]));

function follow(started: BootConfig): string[] {
  const seen: string[] = [];
  followBootConfig(file, {
    started,
    onChange: ({ token }) => seen.push(token.replace(/0+$/, '')),
    onProblem: (error) => seen.push(String(error)),
  });
  return seen;
}

it('takes a configuration that was put in its place before anyone followed it', async () => {
  await put('first');
  const started = await read();
  await put('second');
  const seen = follow(started);
  await until('the second to be seen', () => seen.includes('second'));
});

it('does not take the one that the agent was started with', async () => {
  await put('first');
  const seen = follow(await read());
  await put('second');
  await until('the second to be seen', () => seen.includes('second'));
  expect(seen).not.toContain('first');
});
