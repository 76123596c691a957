import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { signIn } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { makeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

const isRoot = process.getuid?.() === 0;
const plain = 'e2e/configs/plain.config.ts';

interface Host {
  readonly host: string;
  readonly config?: string;
  /** Who may enter the data directory and what is above it. */
  readonly mode: number;
  /** A path too long for the address of a unix socket. */
  readonly deep?: boolean;
  /** In what the server says about its machines. */
  readonly says: string;
}

const hosts: readonly Host[] = [
  {
    host: 'without bubblewrap, in directories that only the server may enter',
    config: plain,
    mode: 0o700,
    says: isRoot ? 'plain processes each as its own user' : "plain processes as the server's own user",
  },
  {
    host: 'without bubblewrap, in directories that everybody may pass through',
    config: plain,
    mode: 0o711,
    says: isRoot ? 'plain processes each as its own user' : "plain processes as the server's own user",
  },
  {
    host: 'without bubblewrap, far down in the tree of directories',
    config: plain,
    mode: 0o711,
    deep: true,
    says: 'plain processes',
  },
  { host: 'with bubblewrap, far down in the tree of directories', mode: 0o700, deep: true, says: 'bubblewrap' },
];

/** The whole job on hosts that offer less, or are odd: nobody has to prepare anything for it. */
describe.each(hosts)('$host', ({ config, mode, deep = false, says }) => {
  let top: string;
  let server: DemoServer;

  const here: Person = {
    get server() {
      return server;
    },
    get api() {
      return createApi(server.origin);
    },
  };

  async function start(dataDirectory: string): Promise<void> {
    server = await startDemoServer({ dataDirectory, ...(config !== undefined && { config }) });
  }

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), 'sp-e2e-host-'));
    await chmod(top, mode);
    const parent = deep ? join(top, ...Array.from({ length: 4 }, (_, level) => `${level}`.repeat(50))) : top;
    await mkdir(parent, { recursive: true });
    const dataDirectory = await makeDataDirectory(parent);
    await chmod(dataDirectory, mode);
    await start(dataDirectory);
  });

  afterAll(async () => {
    await server?.stop();
    await rm(top, { recursive: true, force: true, maxRetries: 5 });
  });

  it('says how machines are kept apart', () => {
    expect(server.output()).toContain(says);
  });

  it.each(['browser:local', 'device-code'] as const)('connects by %s and runs prompts with tools', async (way) => {
    const person: Person = { ...here, userId: way };
    await signIn(person, way);
    const prompt = (text: string) => here.api.prompt({ userId: way, provider: 'codex', prompt: text });
    const write = await prompt('[[write note.txt: two doors]]');
    expect(write.end).toMatchObject({ outcome: 'completed' });
    expect(write.text).toContain('I have written note.txt');
    expect((await prompt('[[read note.txt]]')).text).toContain('two doors');
  });

  it('goes on after a restart', async () => {
    const { dataDirectory } = server;
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    await start(dataDirectory);
    const read = await here.api.prompt({ userId: 'device-code', provider: 'codex', prompt: '[[read note.txt]]' });
    expect(read.text).toContain('two doors');
  });
});
