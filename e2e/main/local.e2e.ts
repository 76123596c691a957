import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import {
  answerSignInPage,
  followRedirect,
  loginStatus,
  signIn,
  startLogin,
  untilEnded,
  untilPhase,
  visitSignInPage,
} from '../support/person.ts';
import type { Person } from '../support/person.ts';
import { takePort, untilFree } from '../support/ports.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** The sign-in page opens in the user's own browser, which comes back to the CLI's fixed port on this host. */
describe("a login in the user's own browser", () => {
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

  it('comes back through port 1455, and the CLI then answers prompts', async () => {
    const sessionId = await startLogin(person, 'browser:local');
    const waiting = await untilPhase(person, sessionId, 'awaiting-user');
    const page = await visitSignInPage(person, waiting, 'approve');
    expect(page).toMatchObject({
      status: 200,
      text: expect.stringContaining('The answer of the sign-in page has arrived.'),
    });
    expect(page.redirect).toMatch(/^http:\/\/(localhost|127\.0\.0\.1):1455\/auth\/callback\?/);
    expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed', authUrl: null });
    expect((await server.openai()).logins.at(-1)).toMatchObject({ machineId: 'person', outcome: 'approved' });
    const run = await person.api.prompt({ provider: 'codex', prompt: 'Say hello.' });
    expect(run.end).toMatchObject({ outcome: 'completed' });
  });

  it('tells the user that the provider refused, and stores nothing', async () => {
    const refused: Person = { ...person, userId: 'refused' };
    const sessionId = await startLogin(refused, 'browser:local');
    await visitSignInPage(refused, await untilPhase(refused, sessionId, 'awaiting-user'), 'deny');
    expect(await untilEnded(refused, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_DENIED',
      errorMessage: expect.stringContaining('refused on the page of OpenAI'),
      errorHint: expect.stringContaining('approve'),
    });
    expect((await person.api.get('/api/credentials?userId=refused')).body).toEqual([]);
  });

  it('turns away a callback with another state, and still takes the right one', async () => {
    const mixedUp: Person = { ...person, userId: 'mixed-up' };
    const sessionId = await startLogin(mixedUp, 'browser:local');
    const waiting = await untilPhase(mixedUp, sessionId, 'awaiting-user');
    await server.internet.setFaults({ openai: { wrongState: true } });
    const wrong = await visitSignInPage(mixedUp, waiting, 'approve');
    await server.internet.setFaults({ openai: { wrongState: false } });
    expect(wrong).toMatchObject({ status: 400, text: expect.stringContaining('This sign-in was not accepted.') });
    expect(wrong.text).not.toContain('wrong-');
    expect(await loginStatus(mixedUp, sessionId)).toMatchObject({ phase: 'awaiting-user' });

    const right = await visitSignInPage(mixedUp, waiting, 'approve');
    expect(right).toMatchObject({ status: 200 });
    expect(await untilEnded(mixedUp, sessionId)).toMatchObject({ status: 'completed' });
  });

  it('takes a callback only once', async () => {
    const twice: Person = { ...person, userId: 'twice' };
    const sessionId = await startLogin(twice, 'browser:local');
    const answered = await answerSignInPage(twice, await untilPhase(twice, sessionId, 'awaiting-user'), 'approve');
    const redirect = answered.redirect ?? '';
    // The vendor answers the exchange of the code late, so that the login is still under way at the second try.
    await server.internet.setFaults({ network: { delayMs: 5_000 } });
    const pages = await Promise.all([followRedirect(redirect), followRedirect(redirect)]);
    await server.internet.setFaults({ network: { delayMs: 0 } });
    expect(pages.map((page) => page.status).toSorted((one, other) => one - other)).toEqual([200, 400]);
    expect(await untilEnded(twice, sessionId)).toMatchObject({ status: 'completed' });
  });

  it('uses port 1457 when another program has 1455', async () => {
    const other = await takePort(1455);
    try {
      await untilFree(1457);
      const second: Person = { ...person, userId: 'second-port' };
      const sessionId = await startLogin(second, 'browser:local');
      const page = await visitSignInPage(second, await untilPhase(second, sessionId, 'awaiting-user'), 'approve');
      expect(page.redirect).toMatch(/:1457\/auth\/callback\?/);
      expect(await untilEnded(second, sessionId)).toMatchObject({ status: 'completed' });
    } finally {
      await other.release();
    }
  });

  it('says which ports are taken when other programs have both, and works again afterwards', async () => {
    const others = [await takePort(1455), await takePort(1457)];
    const blocked: Person = { ...person, userId: 'blocked' };
    try {
      const ended = await untilEnded(blocked, await startLogin(blocked, 'browser:local'));
      expect(ended).toMatchObject({
        status: 'failed',
        errorCode: 'LOGIN_PORT_TAKEN',
        errorMessage: expect.stringMatching(/1455 and 1457 .* taken by another program/),
        errorHint: expect.stringContaining('device-code'),
      });
    } finally {
      for (const other of others) await other.release();
    }
    await signIn(blocked);
  });
});

describe('a login where nobody chose the way and both callback ports are taken', () => {
  it('goes on with a device code', async () => {
    const others = [await takePort(1455), await takePort(1457)];
    const server = await startDemoServer({ config: 'e2e/configs/plain.config.ts' });
    try {
      const person: Person = { api: createApi(server.origin), server };
      const sessionId = await startLogin(person);
      const waiting = await untilPhase(person, sessionId, 'awaiting-user');
      expect(waiting).toMatchObject({ method: 'device-code', display: 'none', userCode: expect.any(String) });
      const notices: string[] = [];
      const reading = person.api.sessionEvents(sessionId, ({ type, message }) => {
        if (type === 'notice') notices.push(message);
      });
      await visitSignInPage(person, waiting, 'approve');
      expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed' });
      await reading;
      expect(notices.join('\n')).toMatch(/1455 and 1457 .* taken .* Trying another way/s);
    } finally {
      for (const other of others) await other.release();
      await server.stop();
      await removeDataDirectory(server.dataDirectory);
    }
  });
});
