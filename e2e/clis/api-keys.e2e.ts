import { readFileSync, readdirSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { cliPrograms } from '@sallyport/core/driver';
import { matchText } from '@sallyport/core/provider';
import type { Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { createFakeAnthropic, createFakeGoogle, createFakeOpenai } from '@sallyport/testkit/vendors';
import type { FakeVendor, FakeVendorOptions, VendorState } from '@sallyport/testkit/vendors';
import { describe, expect, it } from 'vitest';

import { createCliWorld } from '../support/cli-world.ts';
import type { CliWorld } from '../support/cli-world.ts';

/** Each real CLI takes a key the way its manifest says, and keeps it to itself. */

interface Case {
  readonly provider: Provider;
  /** The only file that may hold the key. Without one it is in the environment of the CLI. */
  readonly file?: string;
  readonly create: (options: FakeVendorOptions) => FakeVendor<VendorState>;
}

const cases: readonly (readonly [string, Case])[] = [
  ['Codex', { provider: codex, create: createFakeOpenai, file: '.codex/auth.json' }],
  ['Claude Code', { provider: claude, create: createFakeAnthropic }],
  ['Gemini CLI', { provider: gemini, create: createFakeGoogle }],
];

describe.each(cases)('%s with an API key', (_name, { provider, create, file }) => {
  const { name, manualEntry } = keyItem(provider);

  async function withWorld(work: (world: CliWorld, key: string) => Promise<void>): Promise<void> {
    const vendor = create({ wordDelayMs: 0 });
    await using world = await createCliWorld({ provider, vendors: { vendor } });
    await work(world, vendor.state().apiKey);
  }

  it('answers prompts, and shows the key only to the CLI', () =>
    withWorld(async (world, key) => {
      expect(manualEntry && matchText(manualEntry.shape, key)).toBeDefined();
      const held: Held = { commandLines: new Set(), environments: new Map() };
      const looking = setInterval(() => lookFor(key, held), 20);
      const answered = await world.prompt('[[slow 20]]', { values: { api_key: key } });
      clearInterval(looking);
      expect(answered).toMatchObject({ exit: 0, end: { outcome: 'completed' } });
      expect(answered.answer).toContain('word20');
      const cli = cliPrograms(provider.manifest.cli, `${process.platform}-${process.arch}`)[0]?.split('/').at(-1) ?? '';
      expect([...held.commandLines]).toEqual([]);
      expect([...held.environments.values()]).toEqual(file === undefined ? [cli] : []);
      expect(await filesThatHold(world.home, key)).toEqual(file === undefined ? [] : [join(world.home, file)]);
      if (file !== undefined) expect((await stat(join(world.home, file))).mode & 0o777).toBe(0o600);
    }));

  it('says that a key the vendor does not know is refused', () =>
    withWorld(async (world, key) => {
      const refused = await world.prompt('hello', { values: { api_key: `${key}x` } });
      expect(refused.end).toMatchObject({ outcome: 'relogin-needed' });
      expect(JSON.stringify(refused)).not.toContain(key);
    }));

  it(`is named ${name} in the manifest, and can be entered by hand`, () => {
    expect(manualEntry).toBeDefined();
    expect(provider.inspect?.({ api_key: 'any' })).toMatchObject({ kind: 'api-key', blank: false });
  });
});

function keyItem({ manifest }: Provider) {
  const item = manifest.credentials.find(({ id }) => id === 'api_key');
  if (item?.as !== 'environment') throw new Error(`${manifest.id} takes no API key.`);
  return item;
}

/** By the session of processes that it is in, which is that of the CLI and of all it starts; with the name of its leader. */
interface Held {
  readonly commandLines: Set<string>;
  readonly environments: Map<string, string>;
}

/** Notes which command lines a text is in, and whose environment. */
function lookFor(text: string, { commandLines, environments }: Held): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const command = readProc(`/proc/${pid}/cmdline`);
    if (command.includes(text)) commandLines.add(command);
    if (!readProc(`/proc/${pid}/environ`).includes(text)) continue;
    const session = /\) \S \d+ \d+ (\d+) /.exec(readProc(`/proc/${pid}/stat`))?.[1];
    // It has ended meanwhile, or its leader was seen before: some give themselves another title later.
    if (session === undefined || environments.has(session)) continue;
    const words = readProc(`/proc/${session}/cmdline`).split('\0');
    environments.set(session, (words.find((word) => word.endsWith('.js')) ?? words[0] ?? '').split('/').at(-1) ?? '');
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

async function filesThatHold(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
