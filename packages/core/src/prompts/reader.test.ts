import { describe, expect, it } from 'vitest';

import { parseManifest } from '../provider/registry.ts';
import { createPromptReader } from './reader.ts';

const manifest = parseManifest({
  spec: 1,
  id: 'acme',
  title: 'Acme',
  terms: { url: 'https://acme.example/terms', reviewed: '2026-11-01', deployments: ['self-hosted'] },
  cli: {
    package: '@acme/cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { 'linux-x64': 'node_modules/@acme/cli/bin/acme' },
  },
  commands: {},
  needs: { memoryMb: 512 },
  logins: [],
  credentials: [
    {
      as: 'environment',
      id: 'key',
      name: 'ACME_KEY',
      from: 'user',
      manualEntry: { title: 'Key', label: 'Key', shape: { pattern: '^k-' }, example: 'k-1' },
    },
  ],
  prompt: {
    drive: 'lines',
    argv: ['run', { slot: 'tools' }],
    input: 'stdin',
    tools: { 'read-only': ['--careful'], workspace: [], full: [] },
    reloginNeeded: [],
  },
  egress: { cli: ['api.acme.example'], signIn: [] },
});

async function endOf(...lines: readonly string[]): Promise<unknown> {
  const reader = createPromptReader({ manifest });
  for (const line of lines) await reader.take({ type: 'stdout', line });
  return (await reader.take({ type: 'exit', code: 0, signal: null, reason: 'ended' })).at(-1);
}

describe('the reader of a prompt', () => {
  it('says that a CLI has printed UTF-16, whose byte order mark no text of UTF-8 begins with', async () => {
    expect(await endOf('\ufffd\ufffd{"type":"result"}', '{"type":"result"}')).toMatchObject({
      outcome: 'failed',
      code: 'PROMPT_FAILED',
      message: 'Acme printed UTF-16, and only UTF-8 can be read.',
    });
  });

  it('takes characters that could not be read for a part of an answer', async () => {
    expect(await endOf('an answer', '\ufffd\ufffd and more')).toMatchObject({ outcome: 'completed' });
    expect(await endOf('\ufffd one')).toMatchObject({ outcome: 'completed' });
  });
});
