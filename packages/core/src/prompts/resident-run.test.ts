import { describe, expect, it } from 'vitest';

import { executeRequestSchema } from '../protocol/agent-api.ts';
import { parseManifest } from '../provider/registry.ts';
import { messageRun, residentRun } from './resident-run.ts';

const file = (id: string, role: string, write: string): object => ({
  as: 'file',
  id,
  role,
  format: 'json',
  rotates: role === 'secret',
  require: role === 'secret' ? ['/token'] : [],
  write,
  paths: { browser: `~/.acme/${id}.json`, cli: `~/.acme/${id}.json` },
});

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
    settings: [
      { path: '~/.acme/config', content: 'updates = off' },
      { path: '~/.acme/counters.json', content: '{"seen":true}', write: 'fill-json' },
    ],
  },
  commands: {},
  needs: { memoryMb: 512 },
  logins: [],
  credentials: [
    file('auth', 'secret', 'merge-json'),
    file('counters', 'settings', 'merge-json'),
    {
      as: 'environment',
      id: 'key',
      name: 'ACME_KEY',
      from: 'user',
      manualEntry: { title: 'Key', label: 'Key', shape: { pattern: '^k-' }, example: 'k-1' },
    },
  ],
  prompt: {
    drive: 'json-lines',
    argv: ['run', { slot: 'tools' }, { slot: 'model', flag: '--model' }],
    resumeArgv: ['run', { slot: 'tools' }, { slot: 'model', flag: '--model' }, { slot: 'session', flag: '--resume' }],
    message: { text: { slot: 'prompt' } },
    tools: { 'read-only': ['--careful'], workspace: [], full: [] },
    over: [{ at: '/type', equals: 'result' }],
    resident: { conversation: '/session' },
    reloginNeeded: [],
  },
  egress: { cli: ['api.acme.example'], signIn: [] },
});

describe('what an agent is told of a CLI that takes messages', () => {
  it('names the arguments of every process of the conversation, and the conversation', () => {
    const { messages } = messageRun(manifest, { tools: 'read-only', model: 'm', session: 's' });
    expect(messages).toMatchObject({
      message: { text: { slot: 'prompt' } },
      over: [{ at: '/type', equals: 'result' }],
      resident: { argv: ['run', '--careful', '--model', 'm'], session: 's', conversation: '/session' },
    });
    expect(messageRun(manifest, { tools: 'full' }).messages?.resident).not.toHaveProperty('session');
    expect(executeRequestSchema.shape.messages.safeParse(messages).success).toBe(true);
    expect(residentRun(manifest)).toEqual({});
  });

  it('names the files that make a process an old one, and none that the CLI keeps writing itself', () => {
    const { messages } = messageRun(manifest, { tools: 'full' });
    expect(messages?.resident?.startFiles).toEqual(['~/.acme/auth.json', '~/.acme/config']);
  });

  it('says nothing of a process where the manifest keeps none', () => {
    const { prompt } = manifest;
    if (prompt.drive !== 'json-lines') throw new Error('It takes messages.');
    const { resident: _, ...plain } = prompt;
    expect(messageRun({ ...manifest, prompt: plain }, { tools: 'full' })).toEqual({
      messages: { message: { text: { slot: 'prompt' } }, over: [{ at: '/type', equals: 'result' }] },
    });
  });
});
