import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { signIn } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { machineDirectories } from '../support/processes.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** Keeping a login alive, with the real Codex CLI: what its command does and, above all, what it does not do. */
let server: DemoServer;

beforeAll(async () => {
  server = await startDemoServer({ config: 'e2e/configs/keep-alive.config.ts' });
});

afterAll(async () => {
  await server?.stop();
  if (server) await removeDataDirectory(server.dataDirectory);
});

/** A machine that runs, with a login of which more than half of the access token's life is over, as it says itself. */
async function connect(userId: string): Promise<Person> {
  const api = createApi(server.origin);
  const hello = async (by: string): Promise<void> => {
    const run = await api.prompt({ userId: by, provider: 'codex', prompt: 'Hello.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
  };
  // Another user signs in, whose machine goes: nothing but the import uses the login from then on.
  const donor = `${userId}-before`;
  const before = await machineDirectories(server.dataDirectory);
  await signIn({ userId: donor, server, api }, 'device-code');
  await hello(donor);
  const [machine = ''] = (await machineDirectories(server.dataDirectory)).filter((name) => !before.includes(name));
  const path = join(server.dataDirectory, 'machines', machine, 'homes', 'codex', '.codex', 'auth.json');
  const auth: object = JSON.parse(await readFile(path, 'utf8'));
  expect((await api.post(`/api/vms/${machine}/destroy?userId=${donor}`)).status).toBeLessThan(300);
  const older = JSON.stringify({ ...auth, last_refresh: new Date(Date.now() - 3 * 60 * 60_000).toISOString() });
  const { status } = await api.post('/api/credentials/codex', { userId, files: { auth: older } });
  expect(status).toBeLessThan(300);
  await hello(userId);
  return { userId, server, api };
}

const credentialOf = async ({ api, userId }: Person) => (await api.get(`/api/credentials?userId=${userId}`)).body[0];

describe('a Codex login that is kept alive', () => {
  it('is refreshed and stored without a call to a model', async () => {
    const person = await connect('renewed');
    const before = await credentialOf(person);
    const asked = (await server.internet.log()).length;
    const renewed = await poll('the refreshed login to be stored', async () => {
      const stored = await credentialOf(person);
      return stored.version > before.version ? stored : undefined;
    });
    expect(renewed.valid).toBe(true);
    const since = (await server.internet.log()).slice(asked);
    const requests = since.map(({ method, host, path }) => `${method} ${host}${path}`);
    expect(requests.filter((request) => !request.startsWith('GET '))).toEqual(['POST auth.openai.com/oauth/token']);
    expect(requests.join('\n')).not.toMatch(/responses|completions/);
    expect((await server.openai()).families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);
  });

  it('ends where the vendor refuses', async () => {
    await server.internet.setFaults({ openai: { refreshFail: 'refresh_token_expired' } });
    const person = await connect('refused');
    const ended = await poll('the refused login to end', async () => {
      const stored = await credentialOf(person);
      return stored.valid ? undefined : stored;
    });
    expect(ended).toMatchObject({ problem: 'The provider no longer accepts this login.' });
    const prompt = person.api.prompt({ userId: 'refused', provider: 'codex', prompt: 'And now?' });
    await expect(prompt).rejects.toThrow('CREDENTIAL_INVALID');
    expect((await server.openai()).families[1]).toMatchObject({ refreshes: 0, revokedBecause: null });
  });
});
