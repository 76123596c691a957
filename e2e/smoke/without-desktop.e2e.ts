import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { signIn } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** The two methods that need no screen in the machine, each from the login to an answer of the real Codex CLI. */
describe('a login without a desktop', () => {
  let server: DemoServer;

  beforeAll(async () => {
    server = await startDemoServer();
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it.each([
    ['browser:local', 'local'],
    ['device-code', 'none'],
  ] as const)('connects by %s and runs a prompt', async (method, display) => {
    const person: Person = { api: createApi(server.origin), server, userId: method };
    expect(await signIn(person, method)).toMatchObject({ display });
    const run = await person.api.prompt({ userId: method, provider: 'codex', prompt: 'Say hello.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    expect(run.text).toContain('You said: Say hello.');
  });
});
