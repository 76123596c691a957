import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { manifestSchema } from '@sallyport/core/provider';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { recordLogin } from './record-login.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-login-'));
  await mkdir(join(directory, 'out'));
  await mkdir(join(directory, 'node_modules'));
  // Ends at once: a login that fails is recorded too.
  await writeFile(join(directory, 'node_modules', 'cli.js'), 'console.log("no");');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const login = {
  title: 'Log in',
  kind: 'device-code',
  userCode: { pattern: '(none)' },
  freshHome: true,
  timeoutMs: 60_000,
};
const manifest = manifestSchema.parse({
  spec: 1,
  id: 'acme',
  title: 'Acme',
  terms: { url: 'https://acme.example/terms', reviewed: '2026-11-01', deployments: ['self-hosted'] },
  cli: {
    package: '@acme/cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { 'linux-x64': 'node_modules/cli.js', 'linux-arm64': 'node_modules/cli.js' },
  },
  commands: {},
  needs: { memoryMb: 512 },
  logins: [
    {
      ...login,
      id: 'screen',
      drive: { kind: 'terminal', argv: [], columns: 80, rows: 24 },
      url: { sources: ['text'], hosts: ['id.acme.example'], pathPrefixes: ['/'] },
      success: [{ text: 'done' }],
    },
    {
      ...login,
      id: 'messages',
      drive: {
        kind: 'json-rpc',
        argv: ['serve'],
        steps: [{ id: 'start', do: { kind: 'request', method: 'start', params: {} } }],
      },
      url: { sources: ['rpc'], hosts: ['id.acme.example'], pathPrefixes: ['/'] },
      success: [{ text: 'done' }],
    },
  ],
  credentials: [
    {
      as: 'file',
      id: 'auth',
      role: 'secret',
      format: 'json',
      rotates: true,
      require: ['/token'],
      write: 'replace',
      paths: { browser: '~/.acme/auth.json', cli: '~/.acme/auth.json' },
    },
  ],
  prompt: {
    drive: 'lines',
    argv: ['run', { slot: 'tools' }],
    input: 'stdin',
    tools: { 'read-only': ['--careful'], workspace: [], full: [] },
    reloginNeeded: [],
  },
  egress: { cli: ['api.acme.example'], signIn: ['id.acme.example'] },
});

async function* noKeys(): AsyncGenerator<Uint8Array> {}

it.each([
  ['screen', 1, ['acme-1.2.3-screen-80x24.bin', 'acme-1.2.3-screen-80x24.json']],
  ['messages', 0, ['acme-1.2.3-messages.jsonl']],
])(
  'takes each key for a CLI with a terminal alone, or Ctrl+C would not end a recording: %s',
  async (method, taken, files) => {
    let terminals = 0;
    const paths = await recordLogin(
      { manifest, method, directory, network: {}, out: join(directory, 'out') },
      {
        keys: noKeys(),
        show: () => {},
        onOpened: () => {},
        onTerminal: () => {
          terminals += 1;
        },
        clock: systemClock,
        signal: new AbortController().signal,
      },
    );
    expect(terminals).toBe(taken);
    expect(await readdir(join(directory, 'out'))).toEqual(files);
    expect(await readFile(paths[0] ?? '', 'utf8')).toContain('no');
  },
);
