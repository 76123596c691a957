import { inspect } from 'node:util';

import type { LoginMethod } from '@sallyport/core/provider';
import { manifest, provider } from '@sallyport/provider-claude';
import { createFakeAnthropic } from '@sallyport/testkit/vendors';
import type { FakeAnthropic } from '@sallyport/testkit/vendors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { signIn } from '../support/cli-person.ts';
import type { Signing } from '../support/cli-person.ts';
import { createCliWorld } from '../support/cli-world.ts';
import type { CliWorld, LoginEnd } from '../support/cli-world.ts';

/** Claude Code lets root do everything only where it is told that this is a sandbox, and tests may be run by root. */
const everything = { tools: 'full', env: { IS_SANDBOX: '1' } } as const;
const credentialFile = '.claude/.credentials.json';

let world: CliWorld;
let anthropic: FakeAnthropic;

beforeEach(async () => {
  anthropic = createFakeAnthropic({ wordDelayMs: 0 });
  world = await createCliWorld({ provider, vendors: { anthropic } });
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

describe('the real Claude Code against the fake provider', () => {
  it('logs in through the browser, and only with the painted code', async () => {
    expect(await useBrowser('browser')).toMatchObject({ result: 'finished' });
    const login = await readLogin();
    expect(login.refreshToken).toContain(anthropic.canary);
    expect(login.accessToken).toContain(anthropic.canary);
    expect(anthropic.state().logins).toMatchObject([{ machineId: 'm-test', outcome: 'approved', wrongTries: 1 }]);
    expect(inspect(world.internet.log(), { depth: 9 })).not.toContain(anthropic.canary);
  });

  it('logs in through the browser where it never calls its browser command', async () => {
    const deaf = manifest.logins.map((login) => ({
      ...login,
      ...(login.url && { url: { ...login.url, sources: login.url.sources.filter((item) => item !== 'browser-shim') } }),
    }));
    await useMethods(deaf);
    for (const method of ['browser', 'setup-token', 'first-start']) {
      expect(await useBrowser(method), method).toMatchObject({ result: 'finished' });
    }
    expect((await readLogin()).refreshToken).toContain(anthropic.canary);
  });

  it('logs in with a code that is pasted, at every command that takes one', async () => {
    expect(await pasteCode('paste-code')).toMatchObject({ result: 'finished' });
    expect((await readLogin()).refreshToken).toContain(anthropic.canary);
    expect(await pasteCode('first-start-paste')).toMatchObject({ result: 'finished' });
    const { result, files } = await pasteCode('setup-token-paste');
    expect(result).toBe('finished');
    expect(files?.['token']).toContain(anthropic.canary);
  });

  it('says of a code that is not the one on the page that it was not accepted', async () => {
    for (const method of ['paste-code', 'first-start-paste']) {
      expect(await pasteCode(method, (code) => `x${code}`), method).toMatchObject({
        result: 'LOGIN_FAILED',
        message: expect.stringContaining('did not accept that code'),
      });
    }
  });

  it('is not given a code without its state, for which it would wait for ever', async () => {
    await expect(pasteCode('paste-code', (code) => code.replace(/#.*/, ''))).rejects.toThrow(
      'That is not an answer to',
    );
  });

  it('logs in through the screens of its first start', async () => {
    expect(await useBrowser('first-start')).toMatchObject({ result: 'finished' });
    expect((await readLogin()).refreshToken).toContain(anthropic.canary);
  });

  it('meets no screen of a first start once there is a login, and still asks which directory to trust', async () => {
    const { drive } = loginOf('first-start');
    const firstScreens = drive.kind === 'terminal' ? drive.steps : [];
    const byHand: LoginMethod = {
      id: 'by-hand',
      title: 'Start it by hand',
      kind: 'import',
      freshHome: false,
      timeoutMs: 60_000,
      drive: { kind: 'terminal', argv: [], columns: 200, rows: 50, steps: [] },
      success: [{ text: 'Quick safety check' }],
      failure: firstScreens.map(({ id, when }) => ({ when, code: 'LOGIN_FAILED', message: `It shows ${id}.` })),
    };
    await useMethods([...manifest.logins, byHand]);
    await useBrowser('browser');
    expect(await (await world.startLogin('by-hand')).ended).toMatchObject({ result: 'finished' });
  });

  it('makes a token that needs no file, and answers prompts with it', async () => {
    const { result, files } = await useBrowser('setup-token');
    expect(result).toBe('finished');
    const token = files?.['token'] ?? '';
    expect(token).toContain(anthropic.canary);
    await expect(world.read(credentialFile)).rejects.toThrow('ENOENT');
    const answered = await world.prompt('how are you?', { env: { CLAUDE_CODE_OAUTH_TOKEN: token } });
    expect(answered).toMatchObject({ exit: 0, answer: expect.stringContaining('how are you?') });
    expect(anthropic.state().families).toMatchObject([{ scope: 'user:inference', usedBy: ['m-test'] }]);
  });

  it('answers prompts, goes on with a conversation, and its tool calls write and read files', async () => {
    await useBrowser('browser');
    const first = await world.prompt('how are you?');
    expect(first.end).toMatchObject({ outcome: 'completed' });
    expect(first.answer).toContain('how are you?');
    const { conversation } = first;
    expect(
      await world.prompt("[[write note.txt: it is 5 o'clock]]", { ...everything, session: conversation }),
    ).toMatchObject({ conversation, answer: expect.stringContaining('I have written note.txt.') });
    expect(await world.read('work/note.txt')).toBe("it is 5 o'clock\n");
    expect(await world.prompt('[[read note.txt]]', everything)).toMatchObject({
      answer: expect.stringContaining("The file note.txt says:\nit is 5 o'clock"),
    });
    anthropic.control.setFaults({ slowBytes: 50 });
    expect(await world.prompt('in pieces')).toMatchObject({ exit: 0, answer: expect.stringContaining('in pieces') });
  });

  it('takes an API key instead of a login', async () => {
    const key = (ANTHROPIC_API_KEY: string) => world.prompt('hello', { env: { ANTHROPIC_API_KEY } });
    expect(await key(anthropic.state().apiKey)).toMatchObject({ exit: 0, end: { outcome: 'completed' } });
  });

  it('refreshes a token that has ended, once, and is cut off when an old refresh token comes back', async () => {
    await useBrowser('browser');
    const before = await world.read(credentialFile);
    await endAccess();
    expect((await world.prompt('after expiry')).end).toMatchObject({ outcome: 'completed' });
    const after = await readLogin();
    expect(after.refreshToken).not.toBe(JSON.parse(before).claudeAiOauth.refreshToken);
    expect(anthropic.state().families).toMatchObject([{ refreshes: 1, revokedBecause: null }]);

    await world.write(credentialFile, before);
    await endAccess();
    expect(await world.prompt('replayed')).toMatchObject({ exit: 1, end: { outcome: 'relogin-needed' } });
    expect(anthropic.state().families).toMatchObject([{ refreshes: 1, revokedBecause: 'refresh_token_reused' }]);
  });

  it('logs out', async () => {
    await useBrowser('browser');
    const status = manifest.commands.status?.argv ?? [];
    expect(await world.run(status)).toMatchObject({ exit: 0, stdout: expect.stringContaining('"loggedIn": true') });
    expect(await world.run(manifest.commands.logout?.argv ?? [])).toMatchObject({ exit: 0 });
    await expect(world.read(credentialFile)).rejects.toThrow('ENOENT');
    expect(anthropic.state().families).toMatchObject([{ revokedBecause: 'revoked' }]);
    expect((await world.run(status)).exit).toBe(1);
  });

  it('asks for a new login without a credential, and after a refused refresh has blanked it', async () => {
    expect(await world.prompt('hello')).toMatchObject({ exit: 1, end: { outcome: 'relogin-needed' } });
    await useBrowser('browser');
    anthropic.control.setFaults({ refreshFail: 'invalid_grant', accessExpiredBefore: Date.now() });
    await endAccess();
    expect(await world.prompt('hello')).toMatchObject({
      exit: 1,
      end: { outcome: 'relogin-needed', code: 'CREDENTIAL_INVALID' },
    });
    const auth = await world.read(credentialFile);
    expect(JSON.parse(auth).claudeAiOauth).toMatchObject({ accessToken: '', refreshToken: '', expiresAt: 0 });
    expect(provider.inspect?.({ auth })).toMatchObject({ blank: true });
  });

  it('is told what went wrong on the way, whatever it says itself', async () => {
    for (const method of ['browser', 'first-start', 'setup-token']) {
      expect(await useBrowser(method, { button: 'deny' }), method).toMatchObject({ result: 'LOGIN_DENIED' });
    }
    anthropic.control.setFaults({ wrongState: true });
    expect(await useBrowser('browser')).toMatchObject({
      result: 'LOGIN_FAILED',
      message: 'The answer of the sign-in page belonged to another login.',
    });
    anthropic.control.setFaults({ wrongState: false, tokenBody: 'no-scope' });
    const unscoped = await useBrowser('browser');
    expect(unscoped).toMatchObject({ result: 'CREDENTIAL_INCOMPLETE', files: undefined });
    expect(unscoped.screen).toContain('Login successful');
    anthropic.control.setFaults({ tokenBody: null, tokenStatus: 500 });
    expect(await useBrowser('browser')).toMatchObject({ result: 'LOGIN_FAILED' });
  });
});

/** The same world, in which the provider has these login methods. */
async function useMethods(logins: readonly LoginMethod[]): Promise<void> {
  await world[Symbol.asyncDispose]();
  const changed = { ...provider, manifest: { ...manifest, logins: [...logins] } };
  world = await createCliWorld({ provider: changed, vendors: { anthropic } });
}

function loginOf(id: string): LoginMethod {
  const found = manifest.logins.find((login) => login.id === id);
  if (!found) throw new Error(`There is no login method ${id}.`);
  return found;
}

async function useBrowser(method: string, signing: Signing = {}): Promise<LoginEnd> {
  const login = await world.startLogin(method);
  const { url } = await login.event('login.url');
  await fetch(await signIn(world, anthropic, url, signing), { redirect: 'manual' });
  return login.ended;
}

async function pasteCode(method: string, typed: (code: string) => string = (code) => code): Promise<LoginEnd> {
  const login = await world.startLogin(method);
  const { url } = await login.event('login.url');
  const shown = await world.browse(await signIn(world, anthropic, url));
  const code = /<p>([^<]+#[^<]+)<\/p>/.exec(shown.body)?.[1] ?? '';
  const { promptId } = await login.event('login.prompt');
  await login.answer(promptId, typed(code));
  return login.ended;
}

/** The CLI goes by what its file says. */
async function endAccess(): Promise<void> {
  const file = JSON.parse(await world.read(credentialFile));
  const ended = { claudeAiOauth: { ...file.claudeAiOauth, expiresAt: Date.now() - 1000 } };
  await world.write(credentialFile, JSON.stringify(ended));
}

async function readLogin(): Promise<{ accessToken: string; refreshToken: string }> {
  return JSON.parse(await world.read(credentialFile)).claudeAiOauth;
}
