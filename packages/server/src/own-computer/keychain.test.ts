import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { readKeychain } from './keychain.ts';

const item = { service: 'Acme Code-credentials', account: 'ada; rm -rf ~' };
const login = '{"login":{"access":"secret-token"}}';
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-keychain-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A program in place of `security`, which answers as that one is documented to. Its arguments are kept. */
async function answering(script: string): Promise<string> {
  const program = join(directory, 'security');
  const keep = `require('node:fs').writeFileSync(${JSON.stringify(join(directory, 'args'))}, JSON.stringify(process.argv.slice(2)));`;
  await writeFile(program, `#!${process.execPath}\n${keep}\n${script}\n`, { mode: 0o700 });
  return program;
}

const printing = (text: string): string => `process.stdout.write(${JSON.stringify(`${text}\n`)});`;
const failing = (code: number, text: string): string =>
  `process.stderr.write(${JSON.stringify(`security: ${text}\n`)}); process.exitCode = ${code};`;

async function read(script: string, timeoutMs = 60_000): Promise<string | undefined> {
  return readKeychain(item, { security: await answering(script), timeoutMs });
}

it('asks for one item by its service and account, each as one argument', async () => {
  expect(await read(printing(login))).toBe(login);
  const args: unknown = JSON.parse(await readFile(join(directory, 'args'), 'utf8'));
  expect(args).toEqual(['find-generic-password', '-s', item.service, '-a', item.account, '-w']);
});

it('gives the program nothing of the environment but home and path', async () => {
  // macOS adds one more variable to each process.
  const script = `process.stdout.write(Object.keys(process.env).filter((name) => !name.startsWith('__CF')).sort().join());`;
  expect(await read(script)).toBe('HOME,PATH');
});

it.each<[string, string, string]>([
  ['indented JSON', Buffer.from('{\n  "a": "é"\n}').toString('hex'), '{\n  "a": "é"\n}'],
  ['a token that only looks like hex', 'deadbeef', 'deadbeef'],
  ['printable text in hex', Buffer.from('abc').toString('hex'), Buffer.from('abc').toString('hex')],
  ['an odd number of digits', 'abc', 'abc'],
  ['blanks around it', ' a ', ' a '],
])('reads %s', async (_what, printed, value) => {
  expect(await read(printing(printed))).toBe(value);
});

it('finds nothing where the Keychain has no such item', async () => {
  const text = 'SecKeychainSearchCopyNext: The specified item could not be found in the keychain.';
  expect(await read(failing(44, text))).toBeUndefined();
});

it.each<[number, RegExp]>([
  [36, /the Keychain is locked, and no one can be asked here/],
  [51, /the password of the Keychain was not right/],
  [128, /the access was refused/],
  [1, /ended with code 1/],
])('says what exit code %i means, and where', async (code, message) => {
  const error: unknown = await read(`${printing(login)} ${failing(code, login)}`).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CREDENTIAL_UNREADABLE', message: expect.stringMatching(message) });
  expect(String(error)).toContain(item.service);
  expect(JSON.stringify(error) + String(error)).not.toContain('secret-token');
});

it('ends a program that no one answers', async () => {
  await expect(read('setInterval(() => undefined, 1000);', 50)).rejects.toThrow('no one allowed the access in time');
});

it('takes no more than a credential can have', async () => {
  await expect(read(`process.stdout.write('x'.repeat(600_000));`)).rejects.toThrow('it is larger than 256 KiB');
});

it('says that the program is missing', async () => {
  const security = join(directory, 'nothing');
  await expect(readKeychain(item, { security, timeoutMs: 1000 })).rejects.toThrow('/usr/bin/security is missing');
});
