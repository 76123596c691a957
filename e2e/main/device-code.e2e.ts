import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

describe('a login with a device code', () => {
  let server: DemoServer;
  let person: Person;

  beforeAll(async () => {
    server = await startDemoServer();
    person = { api: createApi(server.origin), server };
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it('shows page and code, and is complete once the code was approved elsewhere', async () => {
    const sessionId = await startLogin(person, 'device-code');
    const waiting = await untilPhase(person, sessionId, 'awaiting-user');
    expect(waiting.userCode).toMatch(/^[A-Z0-9]{4}-[A-Z0-9]{4,5}$/);
    expect(waiting.authUrl).toMatch(/\/codex\/device$/);
    expect((await server.openai()).devices.at(-1)).toMatchObject({ userCode: waiting.userCode, outcome: 'pending' });

    const page = await visitSignInPage(person, waiting, 'approve');
    expect(page.text).toContain('Device connected');
    expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed', userCode: null, authUrl: null });
    expect((await server.openai()).devices.at(-1)).toMatchObject({ outcome: 'collected' });

    const run = await person.api.prompt({ provider: 'codex', prompt: 'Say hello.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
  });

  it('is over when the user denies it, and keeps the login that was there', async () => {
    const before = await storedLogins();
    const sessionId = await startLogin(person, 'device-code');
    const page = await visitSignInPage(person, await untilPhase(person, sessionId, 'awaiting-user'), 'deny');
    expect(page.text).toContain('The device was not connected');
    expect(await untilEnded(person, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_DENIED',
      errorMessage: expect.stringContaining('OpenAI refused the device code'),
      errorHint: expect.stringContaining('Start again'),
    });
    expect(await storedLogins()).toEqual(before);
    const run = await person.api.prompt({ provider: 'codex', prompt: 'Say hello again.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    expect((await server.openai()).families.every((family) => family.revokedBecause === null)).toBe(true);
  });

  /** Without the time of the last check, which the end of an earlier prompt may still move. */
  async function storedLogins(): Promise<readonly unknown[]> {
    const { body } = await person.api.get('/api/credentials');
    return body.map((login: object) => ({ ...login, lastVerified: undefined }));
  }
});
