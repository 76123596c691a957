import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { LoginEvent } from '@sallyport/core';
import { openHostPreset } from '@sallyport/server/presets';
import { writeFakeCli } from '@sallyport/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { ask } from './ask.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-library-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** The preset of this host, with a CLI that needs neither a vendor nor npm. */
async function openFakeHost(dataDirectory?: string) {
  const cli = await writeFakeCli(join(directory, 'cli'), {}, '/usr/bin/env node');
  const host = await openHostPreset(dataDirectory === undefined ? {} : { dataDirectory });
  return { host, options: { ...host.options, providers: [cli.provider], installCli: async () => cli.directory } };
}

it('logs in and prompts without a server, and leaves nothing behind', async () => {
  const { host, options } = await openFakeHost();
  const steps: string[] = [];
  const show = async ({ type }: LoginEvent): Promise<string> => {
    steps.push(type);
    return 'code-1234';
  };
  try {
    expect(await ask(options, 'paste', 'What is a sally port?', show)).toBe('You said: What is a sally port?');
    expect(steps).toEqual(expect.arrayContaining(['url', 'prompt', 'done']));
    expect(await options.driver.list()).toHaveLength(1);
  } finally {
    await host.close();
  }
  expect(await options.driver.list().catch(() => [])).toEqual([]);
});

it('keeps the login in a data directory, for the next run', async () => {
  const dataDirectory = join(directory, 'data');
  const first = await openFakeHost(dataDirectory);
  try {
    await ask(first.options, 'paste', 'One', async () => 'code-1234');
    await expect(openHostPreset({ dataDirectory })).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_BUSY' });
  } finally {
    await first.host.close();
  }
  expect(await readdir(dataDirectory)).toEqual(expect.arrayContaining(['master-keys', 'machines', 'witness']));

  const second = await openFakeHost(dataDirectory);
  const steps: string[] = [];
  try {
    const answer = await ask(second.options, 'paste', 'Two', async ({ type }) => {
      steps.push(type);
      return '';
    });
    expect([answer, steps]).toEqual(['You said: Two', []]);
  } finally {
    await second.host.close();
  }
});

it('says which answer of the user was refused', async () => {
  const { host, options } = await openFakeHost();
  try {
    const failed = ask(options, 'paste', 'Hello', async () => ' ');
    await expect(failed).rejects.toMatchObject({ code: 'LOGIN_ANSWER_MALFORMED' });
  } finally {
    await host.close();
  }
});
