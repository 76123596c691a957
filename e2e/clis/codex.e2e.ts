import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { matchText } from '@sallyport/core/provider';
import type { Matcher } from '@sallyport/core/provider';
import { provider } from '@sallyport/provider-codex';
import { createFakeOpenai } from '@sallyport/testkit/vendors';
import type { FakeOpenai } from '@sallyport/testkit/vendors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { lockCallbackPort } from '../support/callback-port.ts';
import { signIn } from '../support/cli-person.ts';
import type { Signing } from '../support/cli-person.ts';
import { createCliWorld } from '../support/cli-world.ts';
import type { Answered, CliWorld, LoginEnd } from '../support/cli-world.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { poll } from '../support/server.ts';

let folder: string;
let world: CliWorld;
let openai: FakeOpenai;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fo-'));
  openai = createFakeOpenai({ wordDelayMs: 0, stateFile: join(folder, 'ledger.json') });
  world = await createCliWorld({ provider, vendors: { openai } });
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe('the real Codex CLI against the fake provider', () => {
  it('logs in through the browser, and only with the painted code', async () => {
    expect(await useBrowser()).toMatchObject({ result: 'finished' });
    const auth = await readAuth();
    expect(auth.tokens.refresh_token).toContain(openai.canary);
    expect(auth.tokens.access_token).toContain(openai.canary);
    expect(auth.OPENAI_API_KEY).toContain(openai.canary);
    expect(openai.state().logins).toMatchObject([{ machineId: 'm-test', outcome: 'approved', wrongTries: 1 }]);
    expect(inspect(world.internet.log(), { depth: 9 })).not.toContain(openai.canary);
  });

  it('is told when the user denies the sign-in', async () => {
    const denied = await useBrowser({ button: 'deny' });
    expect(denied).toMatchObject({ result: 'LOGIN_DENIED', screen: expect.stringContaining('Sign-in failed') });
  });

  it('logs in with a device code', async () => {
    const login = await world.startLogin('device-code');
    const { url, userCode } = await login.event('login.url');
    await signIn(world, openai, url, { userCode });
    expect(await login.ended).toMatchObject({ result: 'finished' });
    expect((await readAuth()).tokens.access_token).toContain(openai.canary);
    expect(openai.state().devices).toMatchObject([{ outcome: 'collected' }]);
  });

  it('logs in over its app server, says who refused, and leaves the credential alone until there is a new one', async () => {
    expect(await useBrowser({ method: 'app-server' })).toMatchObject({ result: 'finished' });
    const before = await readAuth();
    expect(before.tokens.refresh_token).toContain(openai.canary);
    const denied = await useBrowser({ method: 'app-server', button: 'deny' });
    expect(denied).toMatchObject({ result: 'LOGIN_DENIED', message: 'The sign-in was refused on the page of OpenAI.' });
    expect(await readAuth()).toEqual(before);
  });

  it('is told when the user denies a device code, and what to do', async () => {
    for (const method of ['device-code', 'app-server-device-code']) {
      const login = await world.startLogin(method);
      const { url, userCode } = await login.event('login.url');
      await signIn(world, openai, url, { userCode, button: 'deny' });
      expect(await login.ended, method).toMatchObject({
        result: 'LOGIN_DENIED',
        message: expect.stringContaining('Start again, and approve the new code.'),
      });
    }
  });

  it('logs in over its app server with a device code', async () => {
    const login = await world.startLogin('app-server-device-code');
    const { url, userCode } = await login.event('login.url');
    await signIn(world, openai, url, { userCode });
    expect(await login.ended).toMatchObject({ result: 'finished' });
    expect(openai.state().devices).toMatchObject([{ outcome: 'collected' }]);
  });

  it('renews its login without a call to a model, and says so where that is refused, not where the vendor is away', async () => {
    const login = await world.startLogin('device-code');
    const { url, userCode } = await login.event('login.url');
    await signIn(world, openai, url, { userCode });
    await login.ended;
    const matches = (matchers: readonly Matcher[], messages: readonly string[]): boolean =>
      messages.some((message) => matchers.some((matcher) => matchText(matcher, message) !== undefined));
    const { refresh } = provider.manifest.commands;
    if (!refresh || !('steps' in refresh)) throw new Error('Codex renews its login by its app server.');
    const isOver = (messages: readonly string[]): boolean =>
      matches(
        refresh.over.map(({ when }) => when),
        messages,
      );

    const before = await readAuth();
    const asked = world.internet.log().length;
    const renewed = await world.renew();
    expect([isOver(renewed), matches(refresh.reloginNeeded, renewed)]).toEqual([true, false]);
    expect((await readAuth()).tokens.refresh_token).not.toBe(before.tokens.refresh_token);
    const requests = world.internet.log().slice(asked);
    const changing = requests.filter(({ method }) => method !== 'GET').map(({ host, path }) => `${host}${path}`);
    expect(changing).toEqual(['auth.openai.com/oauth/token']);
    expect(requests.map(({ path }) => path).join(' ')).not.toMatch(/responses|completions/);
    expect(openai.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);

    openai.control.setFaults({ tokenStatus: 503 });
    expect(matches(refresh.reloginNeeded, await world.renew())).toBe(false);
    openai.control.setFaults({ tokenStatus: null, refreshFail: 'refresh_token_expired' });
    expect(matches(refresh.reloginNeeded, await world.renew())).toBe(true);
  });

  it('answers word by word, goes on with a conversation, and says each word once', async () => {
    await useBrowser();
    const first = await prompt('how are you?');
    expect(first.answer).toBe('Hello from the practice model. You said: how are you?');
    expect(first.events.filter((event) => event.type === 'text').length).toBeGreaterThan(5);
    expect(first.events).toContainEqual({ type: 'usage', inputTokens: 10, outputTokens: 5 });
    const session = first.conversation;
    const next = await world.prompt('[[write note.txt: hi]]', { tools: 'full', session });
    expect(next).toMatchObject({ exit: 0, conversation: session, answer: 'I have written note.txt.' });
    const tool = expect.objectContaining({ type: 'tool-end', name: 'command_execution', ok: true });
    expect(next.events).toContainEqual(tool);
  });

  it('writes nothing where the tool policy only reads', async () => {
    await useBrowser();
    const { end } = await world.prompt('[[write note.txt: no]]', { tools: 'read-only' });
    // It ran, and answered: a prompt that crashes writes nothing either.
    expect(end).toMatchObject({ outcome: 'completed' });
    await expect(world.read('work/note.txt')).rejects.toThrow('ENOENT');
  });

  it('says what is wrong when a conversation does not exist', async () => {
    await useBrowser();
    const { end } = await world.prompt('hello', { session: '01a20963-b4a0-73b3-9113-2e6f46f1eeee' });
    expect(end).toMatchObject({ outcome: 'failed', message: expect.stringContaining('no rollout found') });
  });

  it('answers prompts, and its tool calls write and read files', async () => {
    await useBrowser();
    expect(await prompt('how are you?')).toMatchObject({ exit: 0, answer: expect.stringContaining('how are you?') });
    expect(await prompt("[[write note.txt: it is 5 o'clock]]")).toMatchObject({
      exit: 0,
      answer: 'I have written note.txt.',
    });
    expect(await world.read('work/note.txt')).toBe("it is 5 o'clock\n");
    expect(await prompt('[[read note.txt]]')).toMatchObject({
      exit: 0,
      answer: "The file note.txt says:\nit is 5 o'clock",
    });
    expect(openai.state().families).toMatchObject([{ usedBy: ['m-test'], revokedBecause: null }]);
    openai.control.setFaults({ slowBytes: 50 });
    expect(await prompt('in pieces')).toMatchObject({ exit: 0, answer: expect.stringContaining('in pieces') });
  });

  it('refuses a prompt without a live access token', async () => {
    const { end } = await prompt('hello');
    expect(end).toMatchObject({ outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' });
  });

  it('makes the CLI refresh an expired token, once, and revokes the family when an old one comes back', async () => {
    await useBrowser();
    const before = await world.read('.codex/auth.json');
    openai.control.setFaults({ accessExpiredBefore: Date.now() });
    expect(await prompt('after expiry')).toMatchObject({ exit: 0, answer: expect.stringContaining('after expiry') });
    expect((await readAuth()).tokens.refresh_token).not.toBe(JSON.parse(before).tokens.refresh_token);
    expect(openai.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);

    await world.write('.codex/auth.json', before);
    const { end } = await prompt('replayed');
    expect(end).toMatchObject({
      outcome: 'relogin-needed',
      message: expect.stringContaining('could not be refreshed'),
    });
    expect(openai.state().families).toMatchObject([{ refreshes: 1, revokedBecause: 'refresh_token_reused' }]);
  });

  it('makes the CLI refresh by itself when the token says that it has ended', async () => {
    openai.control.setFaults({ accessLifetimeSeconds: 1 });
    await useBrowser();
    openai.control.setFaults({ accessLifetimeSeconds: 3600 });
    const [, claims = ''] = (await readAuth()).tokens.access_token.split('.');
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    await poll('the token to end', async () => exp * 1000 < Date.now() || undefined);
    expect(await prompt('hello')).toMatchObject({ exit: 0 });
    expect(openai.state().families).toMatchObject([{ refreshes: 1 }]);
  });

  it('keeps a login alive across a restart of the fake', async () => {
    await useBrowser();
    const restarted = createFakeOpenai({ canary: openai.canary, stateFile: join(folder, 'ledger.json') });
    expect(restarted.state().families).toEqual(openai.state().families);
    expect(await readFile(join(folder, 'ledger.json'), 'utf8')).not.toContain(openai.canary);
  });
});

async function useBrowser({
  method = 'browser',
  ...signing
}: Signing & { readonly method?: string } = {}): Promise<LoginEnd> {
  const unlock = await lockCallbackPort(AbortSignal.timeout(HANG_LIMIT_MS));
  try {
    const login = await world.startLogin(method);
    const { url } = await login.event('login.url');
    await fetch(await signIn(world, openai, url, signing));
    return await login.ended;
  } finally {
    await unlock();
  }
}

/** Without the CLI's own sandbox, which does not find its helper while the home lies below `/tmp`. */
function prompt(question: string): Promise<Answered> {
  return world.prompt(question, { tools: 'full' });
}

async function readAuth(): Promise<{
  OPENAI_API_KEY: string | null;
  tokens: { access_token: string; refresh_token: string };
}> {
  return JSON.parse(await world.read('.codex/auth.json'));
}
