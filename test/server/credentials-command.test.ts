import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { resolveUserId } from '@sallyport/core';
import { manifestSchema } from '@sallyport/core/provider';
import type { Provider } from '@sallyport/core/provider';
import { createFakeProvider } from '@sallyport/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { registerCredentials } from '../../packages/server/src/commands/credentials.ts';
import type { CredentialsContext } from '../../packages/server/src/commands/credentials.ts';
import { loadConfig } from '../../packages/server/src/config/load-config.ts';
import { thisComputer } from '../../packages/server/src/own-computer/own-computer.ts';
import type { OwnComputer } from '../../packages/server/src/own-computer/own-computer.ts';
import { runCommand } from '../setup/run-command.ts';
import { createIdentities } from './identities.ts';
import { runSallyport } from './sallyport-process.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const token = 'secret-login-token';
const key = 'fk-secret-key-of-ada';
const identities = createIdentities();
let server: TestServer;
let home: string;
let secrets: string[];
let outputs: string;

beforeEach(async () => {
  server = await startTestServer({ authentication: identities.authentication });
  home = await mkdtemp(join(tmpdir(), 'sallyport-import-'));
  await mkdir(join(home, '.fake'));
  secrets = [token, key];
  outputs = '';
});

// Each test ends so: no secret is in what was printed or logged.
afterEach(async () => {
  const said = outputs + (await server.close());
  await rm(home, { recursive: true, force: true });
  for (const secret of secrets) expect(said).not.toContain(secret);
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command, which knows the fake provider from its configuration. */
async function run(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const command = ['--config', 'e2e/configs/fake-cli.config.ts', 'credentials', 'import', 'fake', ...args];
  const own = runSallyport(command, { HOME: home, ...variables });
  const { code } = await own.ended;
  const { stdout, stderr } = own.output();
  outputs += stdout + stderr;
  return { code, stdout, stderr };
}

interface Here {
  readonly token: string;
  readonly computer?: OwnComputer;
  readonly input?: Readable;
}

/** Runs it in this process, with another provider, computer or standard input. Returns what it has printed. */
async function runHere(provider: Provider, { token: own, computer, input }: Here): Promise<readonly string[]> {
  const printed: string[] = [];
  secrets.push(own);
  const sources = { computer: () => computer ?? thisComputer(), input: input ?? Readable.from([]) };
  await runCommand<CredentialsContext>(
    (program, context) => registerCredentials(program, context, sources),
    ['credentials', 'import', 'fake', '--server', server.url],
    () => ({
      variables: { SALLYPORT_TOKEN: own },
      print: (line) => printed.push(line),
      loadConfig: async () => ({ ...(await loadConfig('e2e/configs/fake-cli.config.ts')), providers: [provider] }),
    }),
  );
  outputs += printed.join('\n');
  return printed;
}

const login = (account = 'ada@example.org') => JSON.stringify({ token, account, issuedAt: 1 });
const putLogin = (text = login()): Promise<void> => writeFile(join(home, '.fake/auth.json'), text);
const connected = (userId: string) => server.sallyport.credentials.list(resolveUserId(userId).userId);

async function tokenFile(text: string): Promise<readonly string[]> {
  secrets.push(text);
  await writeFile(join(home, 'token'), `${text}\n`, { mode: 0o600 });
  return ['--token-file', join(home, 'token')];
}

describe('sallyport credentials import', () => {
  it('stores the login of this computer for the user of the token, and says what to do with the copy here', async () => {
    await putLogin();
    const own = await identities.userToken('ada');
    secrets.push(own);
    const { code, stdout, stderr } = await run(['--server', server.url], { SALLYPORT_TOKEN: own });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'Read ~/.fake/auth.json.',
      `Fake CLI is connected at ${server.url}, account ada@example.org: version 1.`,
      expect.stringContaining('The next prompt there uses it'),
      expect.stringMatching(/Do not log out with the CLI either.* Remove ~\/\.fake\/auth\.json instead/),
      '',
    ]);
    expect(await connected('ada')).toMatchObject([{ provider: 'fake', version: 1, valid: true }]);
  });

  it('stores a key from a file for the user that the holder of an API key names, in place of a login if told to', async () => {
    await putLogin();
    const args = ['--server', server.url, '--user', 'ada', ...(await tokenFile(await identities.apiKey('service')))];
    expect(await run(args)).toMatchObject({ code: 0 });
    await writeFile(join(home, 'key'), `${key}\n`);
    const withKey = [...args, '--key-file', join(home, 'key')];
    expect(await run(withKey)).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was stored: ') });
    const { code, stdout } = await run([...withKey, '--replace']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.not.stringContaining('Do not log out') });
    expect(await connected('ada')).toMatchObject([{ provider: 'fake', version: 2, facts: { kind: 'api-key' } }]);
    expect(await connected('local')).toEqual([]);
  });

  it('sends nothing that is not a whole login, and says what is missing', async () => {
    const args = ['--server', server.url, ...(await tokenFile(await identities.userToken('ada')))];
    const missing = await run(args);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('~/.fake/auth.json does not exist') });
    await putLogin(JSON.stringify({ token }));
    const half = await run([...args, '--home', home], { HOME: '/nowhere' });
    expect(half).toMatchObject({ code: 1, stderr: expect.stringContaining('auth: missing /account') });
    expect(await connected('ada')).toEqual([]);
  });

  it('says that a server wants a token, and that it refuses one', async () => {
    await putLogin();
    const without = await run(['--server', server.url]);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('give a token by --token-file') });
    const wrong = await run(['--server', server.url, ...(await tokenFile('secret-but-wrong'))]);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('Nothing was stored: ') });
    expect(await connected('ada')).toEqual([]);
  });

  it('reads a key from the standard input where a provider takes nothing else', async () => {
    const fake = createFakeProvider();
    const credentials = fake.manifest.credentials.filter((item) => item.as === 'environment');
    const keysOnly = { ...fake, manifest: manifestSchema.parse({ ...fake.manifest, logins: [], credentials }) };
    const own = await identities.userToken('ada');
    const printed = await runHere(keysOnly, { input: Readable.from([Buffer.from(`${key}\n`)]), token: own });
    expect(printed).toHaveLength(2);
    expect(await connected('ada')).toMatchObject([{ provider: 'fake', facts: { kind: 'api-key' } }]);
  });

  it('reads the Keychain of a Mac, and says how its item is removed', async () => {
    const fake = createFakeProvider();
    const credentials = fake.manifest.credentials.map((item) =>
      item.as === 'file' ? { ...item, paths: { ...item.paths, macos: { keychain: { service: 'Fake' } } } } : item,
    );
    const keeping = { ...fake, manifest: manifestSchema.parse({ ...fake.manifest, credentials }) };
    const security = join(home, 'security');
    const script = `if (process.argv[6] === 'ada') console.log(${JSON.stringify(login())}); else process.exitCode = 44;`;
    await writeFile(security, `#!${process.execPath}\n${script}\n`, { mode: 0o700 });
    const computer = { platform: 'macos', home, userName: 'ada', security } as const;
    const printed = await runHere(keeping, { computer, token: await identities.userToken('ada') });
    expect(printed.at(-1)).toContain('Remove the Keychain item "Fake" of the account "ada" instead');
    expect(await connected('ada')).toMatchObject([{ provider: 'fake', facts: { account: 'ada@example.org' } }]);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no server', [], /required option '--server <url>' not specified/],
    ['a server without TLS', ['--server', 'http://connect.example.com'], /a login is not sent in the clear/],
    ['a key as an argument', ['--server', 'https://a.example', '--key', 'x'], /unknown option '--key'/],
    ['another word', ['--server', 'https://a.example', 'codex'], /Expected 1 argument but got 2/],
  ])('refuses %s as wrong usage', async (_what, args, message) => {
    expect(await run(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
  });
});
