import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { checkImport } from '@sallyport/core/engine';
import { manifestSchema } from '@sallyport/core/provider';
import type { Provider } from '@sallyport/core/provider';
import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import { createFakeProvider } from '@sallyport/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { placeOwnKey } from '../../packages/server/src/own-computer/own-key.ts';
import { thisComputer } from '../../packages/server/src/own-computer/own-computer.ts';
import { readOwnLogin } from '../../packages/server/src/own-computer/own-login.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sallyport-own-home-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const claudeAiOauth = { accessToken: 'a', refreshToken: 'r', expiresAt: 1, scopes: ['user:inference'] };
const claudeText = JSON.stringify({ claudeAiOauth, mcpOAuth: { server: 'mcp-secret' } }, null, 2);
const identity = `x.${Buffer.from('{"email":"ada@example.org"}').toString('base64url')}.x`;
const codexText = JSON.stringify({ tokens: { access_token: 'a', refresh_token: 'r', id_token: identity } });
const geminiText = JSON.stringify({ access_token: 'a', refresh_token: 'r' });

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), text);
}

/** Answers for one item as `security` is documented to: JSON with line ends in hex, and 44 for any other item. */
async function fakeKeychain(service: string, text: string): Promise<string> {
  const program = join(home, 'security');
  const wanted = JSON.stringify(['find-generic-password', '-s', service, '-a', 'ada', '-w']);
  const hex = Buffer.from(text).toString('hex');
  const script = `if (JSON.stringify(process.argv.slice(2)) === ${JSON.stringify(wanted)}) console.log('${hex}'); else process.exitCode = 44;`;
  await writeFile(program, `#!${process.execPath}\n${script}\n`, { mode: 0o700 });
  return program;
}

const read = ({ manifest }: Provider, platform: 'macos' | 'linux', security = join(home, 'security')) =>
  readOwnLogin(manifest, { platform, home, userName: 'ada', security });

/** The same with other places, as an author would write them. */
function withPaths(paths: object): Provider {
  const provider = createFakeProvider();
  const credentials = provider.manifest.credentials.map((item) =>
    item.as === 'file' ? { ...item, paths: { ...item.paths, ...paths } } : item,
  );
  return { ...provider, manifest: manifestSchema.parse({ ...provider.manifest, credentials }) };
}

describe('a login on a computer with Linux', () => {
  it.each([
    [claude, '.claude/.credentials.json', claudeText],
    [codex, '.codex/auth.json', codexText],
    [gemini, '.gemini/oauth_creds.json', geminiText],
  ])('is read where $manifest.title keeps it, and is one that a server takes', async (provider, path, text) => {
    await put(path, text);
    const { files, places, rotates } = await read(provider, 'linux');
    expect(Object.keys(checkImport(provider, files))).toHaveLength(1);
    expect({ places, rotates }).toEqual({ places: [`~/${path}`], rotates: true });
  });

  it('is read where its manifest says for Linux', async () => {
    await put('.config/fake.json', '{}');
    expect((await read(withPaths({ linux: '~/.config/fake.json', macos: '~/x' }), 'linux')).files).toEqual({
      auth: '{}',
    });
  });

  it('brings neither the logins of MCP servers nor the settings of its user', async () => {
    await put('.claude/.credentials.json', claudeText);
    await put('.claude.json', '{"projects":{"/home/ada/secret-project":{}}}');
    expect((await read(claude, 'linux')).files).toEqual({ auth: JSON.stringify({ claudeAiOauth }) });
  });

  it.each([
    [claude, '~/.claude/.credentials.json', '`claude auth login`'],
    [codex, '~/.codex/auth.json', '`codex login`'],
    [gemini, '~/.gemini/oauth_creds.json', '`gemini`'],
    [createFakeProvider(), '~/.fake/auth.json', 'its CLI (fake-cli)'],
  ])('of $manifest.title that is missing is named with how to log in', async (provider, path, command) => {
    await expect(read(provider, 'linux')).rejects.toMatchObject({
      code: 'CREDENTIAL_NOT_CONNECTED',
      message: expect.stringContaining(path),
      hint: expect.stringContaining(`Log in with ${command} first`),
    });
  });
});

describe('a login on a Mac', () => {
  it('of Claude Code is read from the Keychain, and the file of Linux is not looked at', async () => {
    await put('.claude/.credentials.json', '{"old":true}');
    const { files, places } = await read(claude, 'macos', await fakeKeychain('Claude Code-credentials', claudeText));
    expect(files).toEqual({ auth: JSON.stringify({ claudeAiOauth }) });
    expect(places).toEqual(['the Keychain item "Claude Code-credentials" of the account "ada"']);
  });

  it('that the Keychain does not have is named with how to log in', async () => {
    await expect(read(claude, 'macos', await fakeKeychain('Another', claudeText))).rejects.toMatchObject({
      code: 'CREDENTIAL_NOT_CONNECTED',
      message: expect.stringContaining(
        'the Keychain item "Claude Code-credentials" of the account "ada" does not exist',
      ),
      hint: expect.stringContaining('`claude auth login`'),
    });
  });

  it.each([
    [codex, '.codex/auth.json', codexText],
    [gemini, '.gemini/oauth_creds.json', geminiText],
  ])('of $manifest.title is read from its file', async (provider, path, text) => {
    await put(path, text);
    expect(Object.values((await read(provider, 'macos')).files)).toEqual([text]);
  });

  it('is read where its manifest says for macOS', async () => {
    await put('Library/fake.json', '{}');
    expect((await read(withPaths({ macos: '~/Library/fake.json' }), 'macos')).files).toEqual({ auth: '{}' });
  });
});

describe('a key', () => {
  it.each([
    [claude, `sk-ant-oat01-${'a'.repeat(8)}`, 'token'],
    [claude, `sk-ant-api03-${'a'.repeat(20)}`, 'api_key'],
    [codex, 'anything, for the server to judge', 'api_key'],
  ])('of $manifest.title is the part that it has the shape of', ({ manifest }, key, part) => {
    expect(placeOwnKey(manifest, ` ${key}\n`)).toEqual({ [part]: key });
  });

  it('without the shape of any is refused, unquoted', () => {
    const place = () => placeOwnKey(claude.manifest, 'secret-key');
    expect(place).toThrow(/^That does not look like a key of Claude Code\.$/);
    expect(place).toThrow(expect.objectContaining({ hint: expect.stringContaining('sk-ant-api03-…') }));
  });
});

it('no login is read on a computer whose places no manifest names', () => {
  expect(() => thisComputer('win32')).toThrow(/from macOS and Linux, not from win32/);
  expect(['darwin', 'linux'].map((platform) => thisComputer(platform === 'darwin' ? 'darwin' : 'linux'))).toMatchObject(
    [{ platform: 'macos', security: '/usr/bin/security' }, { platform: 'linux' }],
  );
});
