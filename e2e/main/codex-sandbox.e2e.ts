import { createSallyport } from '@sallyport/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** Writes to the home, where the machine lets Codex write and its own sandbox does not. */
const leaveWork = '[[run touch ~/outside.txt && echo left || echo kept inside]]';

/** A machine filters system calls, and Codex runs commands in a sandbox that it sets up itself, in namespaces. */
describe('the sandbox of the real Codex CLI in a machine', () => {
  let server: DemoServer;
  let api: Api;

  beforeAll(async () => {
    server = await startDemoServer({ config: 'e2e/configs/full-tools.config.ts' });
    api = createApi(server.origin);
    const { apiKey } = z.object({ apiKey: z.string() }).parse((await server.internet.state())['openai']);
    expect((await api.post('/api/credentials/codex', { files: { api_key: apiKey } })).status).toBe(201);
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  async function ask(prompt: string, tools: 'workspace' | 'full'): Promise<string> {
    const { text, end } = await api.prompt({ provider: 'codex', prompt, tools });
    expect(end, text).toMatchObject({ outcome: 'completed' });
    return text;
  }

  it('starts under the filter of system calls, and lets commands write to ~/work and nowhere else', async () => {
    // Of the processes that the machine starts, so without the filter that Codex adds in its sandbox.
    expect(await ask('[[run grep Seccomp: /proc/self/status]]', 'full')).toMatch(/Seccomp:\s+2/);
    expect(await ask('[[write inside.txt: hi]]', 'workspace')).toBe('I have written inside.txt.');
    expect(await ask('[[read inside.txt]]', 'workspace')).toContain('hi');
    expect(await ask(leaveWork, 'workspace')).toMatch(/Read-only file system[^]*kept inside/);
    expect(await ask(leaveWork, 'full')).toContain('left');
  });

  it('leaves files that the user reads', async () => {
    const client = createSallyport({ baseUrl: server.origin });
    const machine = (await client.machines()).find(({ type }) => type === 'cli');
    const names: string[] = [];
    for await (const { name } of client.files(machine?.vmId ?? '')) names.push(name);
    expect(names).toContain('inside.txt');
    expect(await (await client.readFile(machine?.vmId ?? '', 'inside.txt')).text()).toBe('hi\n');
    // In its home, which is beside that of the agent and outside of `~/work`.
    await expect(client.readFile(machine?.vmId ?? '', '../outside.txt')).rejects.toMatchObject({ status: 400 });
  });
});
