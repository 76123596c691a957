import { createSallyport } from '@sallyport/client';
import { defaultSettings } from '@sallyport/core';
import { problemSchema } from '@sallyport/core/protocol';
import { expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer, TestServerOptions } from './test-server.ts';

async function withServer(
  settings: TestServerOptions['settings'],
  use: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await startTestServer({ ...(settings && { settings }) });
  try {
    await server.connect();
    await use(server);
  } finally {
    await server.close();
  }
}

it('a prompt that asks for the settings of a project gets 403, with what the operator can change', () =>
  withServer(undefined, async (server) => {
    const body = { provider: 'fake', prompt: 'hello', projectSettings: 'use' };
    const refused = await server.post('/api/vm/cli/prompt', body);
    expect(refused.status).toBe(403);
    expect(problemSchema.parse(await refused.json())).toMatchObject({
      code: 'ACCESS_DENIED',
      hint: expect.stringContaining("ceiling: { projectSettings: 'use' }"),
    });
    const unknown = await server.post('/api/vm/cli/prompt', { ...body, projectSettings: 'everything' });
    expect(unknown.status).toBe(400);
    expect(server.executed).toEqual([]);
  }));

it('the client sends a prompt with them to a server that allows it', () =>
  withServer({ ceiling: { ...defaultSettings.ceiling, projectSettings: 'use' } }, async (server) => {
    server.output.put({ type: 'stdout', line: '{"type":"text","text":"done"}' });
    server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
    const client = createSallyport({ baseUrl: server.url });
    const prompt = { provider: 'fake', prompt: 'hello', projectSettings: 'use' } as const;
    const types: string[] = [];
    for await (const event of client.prompt(prompt)) types.push(event.type);
    expect(types).toEqual(expect.arrayContaining(['text', 'prompt-end']));
    const entries = await server.sallyport.store.audit.list({ limit: 10, type: 'prompt.started' });
    expect(entries).toMatchObject([{ data: { projectSettings: 'use' } }]);
  }));
