import { inspect } from 'node:util';

import { provider } from '@sallyport/provider-gemini';
import { createFakeGoogle } from '@sallyport/testkit/vendors';
import type { FakeGoogle } from '@sallyport/testkit/vendors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { signIn } from '../support/cli-person.ts';
import type { Signing } from '../support/cli-person.ts';
import { createCliWorld } from '../support/cli-world.ts';
import type { CliWorld, LoginEnd } from '../support/cli-world.ts';

let world: CliWorld;
let google: FakeGoogle;

beforeEach(async () => {
  google = createFakeGoogle({ wordDelayMs: 0 });
  world = await createCliWorld({ provider, vendors: { google } });
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('the real Gemini CLI against the fake provider', () => {
  it('logs in with a code that is pasted', async () => {
    expect(await pasteCode()).toMatchObject({ result: 'finished' });
    expect((await readTokens()).refresh_token).toContain(google.canary);
    expect(google.state().logins).toMatchObject([{ machineId: 'm-test', outcome: 'approved', wrongTries: 1 }]);
    expect(inspect(world.internet.log(), { depth: 9 })).not.toContain(google.canary);
  });

  it('logs in through the browser', async () => {
    expect(await useBrowser()).toMatchObject({ result: 'finished' });
    expect((await readTokens()).access_token).toContain(google.canary);
  });

  it('logs in over its agent protocol, and is told who refused', async () => {
    expect(await useBrowser({ method: 'acp', button: 'deny' })).toMatchObject({ result: 'LOGIN_DENIED' });
    expect(await useBrowser({ method: 'acp' })).toMatchObject({ result: 'finished' });
    expect((await readTokens()).refresh_token).toContain(google.canary);
  });

  it('is told when the user denies the sign-in, and when the code is wrong', async () => {
    expect(await useBrowser({ button: 'deny' })).toMatchObject({ result: 'LOGIN_DENIED' });
    expect(await pasteCode(() => 'mistyped')).toMatchObject({ result: 'LOGIN_FAILED' });
  });

  it('answers prompts, goes on with a conversation, and its tool calls write and read files', async () => {
    await pasteCode();
    const first = await world.prompt('how are you?');
    expect(first.end).toMatchObject({ outcome: 'completed' });
    expect(first.answer).toContain('how are you?');
    const { conversation } = first;
    expect(
      await world.prompt("[[write note.txt: it is 5 o'clock]]", { tools: 'full', session: conversation }),
    ).toMatchObject({ conversation, answer: 'I have written note.txt.' });
    expect(await world.read('work/note.txt')).toBe("it is 5 o'clock\n");
    expect(await world.prompt('[[read note.txt]]', { tools: 'full' })).toMatchObject({
      answer: "The file note.txt says:\nit is 5 o'clock",
    });
    expect(google.state().families).toMatchObject([{ usedBy: ['m-test'], refreshes: 0, revokedBecause: null }]);
  });

  it('runs no command where the tool policy does not allow it', async () => {
    await pasteCode();
    for (const tools of ['read-only', 'workspace'] as const) {
      const refused = await world.prompt('[[write note.txt: no]]', { tools });
      expect(refused.answer).toContain('I could not write note.txt');
    }
    await expect(world.read('work/note.txt')).rejects.toThrow('ENOENT');
  });

  it('refreshes a token that has ended, and keeps its refresh token', async () => {
    await pasteCode();
    const before = await readTokens();
    await world.write('.gemini/oauth_creds.json', JSON.stringify({ ...before, expiry_date: 1 }));
    expect((await world.prompt('after expiry')).end).toMatchObject({ outcome: 'completed' });
    const after = await readTokens();
    expect(after.refresh_token).toBe(before.refresh_token);
    expect(after.access_token).not.toBe(before.access_token);
    expect(google.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);
  });

  it('asks for a new login without a credential, and after the login was revoked', async () => {
    const none = await world.prompt('hello');
    expect(none).toMatchObject({ exit: 41, end: { outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' } });
    await pasteCode();
    const { refresh_token: token } = await readTokens();
    await world.browse('https://oauth2.googleapis.com/revoke', { token });
    expect(await world.prompt('hello')).toMatchObject({ exit: 41, end: { outcome: 'relogin-needed' } });
    expect((await readTokens()).refresh_token).toBe(token);
  });

  it('says what is wrong when a conversation does not exist', async () => {
    await pasteCode();
    const { exit, end } = await world.prompt('hello', { session: '11111111-1111-4111-8111-111111111111' });
    expect(exit).toBe(42);
    expect(end).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('the conversation does not exist'),
    });
  });
});

async function useBrowser({
  method = 'browser',
  ...signing
}: Signing & { readonly method?: string } = {}): Promise<LoginEnd> {
  const login = await world.startLogin(method);
  const { url } = await login.event('login.url');
  await fetch(await signIn(world, google, url, signing), { redirect: 'manual' });
  return login.ended;
}

async function pasteCode(typed: (code: string) => string = (code) => code): Promise<LoginEnd> {
  const login = await world.startLogin('paste-code');
  const { url } = await login.event('login.url');
  const shown = await signIn(world, google, url);
  const code = new URL(shown).searchParams.get('code') ?? '';
  expect((await world.browse(shown)).body).toContain(code);
  const { promptId } = await login.event('login.prompt');
  await login.answer(promptId, typed(code));
  return login.ended;
}

async function readTokens(): Promise<{ access_token: string; refresh_token: string }> {
  return JSON.parse(await world.read('.gemini/oauth_creds.json'));
}
