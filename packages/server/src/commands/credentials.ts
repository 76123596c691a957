import { resolve } from 'node:path';
import type { Readable } from 'node:stream';

import { legible, SallyportError } from '@sallyport/core';
import { checkImport } from '@sallyport/core/engine';
import type { CredentialFiles, Provider } from '@sallyport/core/provider';
import type { Command } from 'commander';

import { placeOwnKey } from '../own-computer/own-key.ts';
import { thisComputer } from '../own-computer/own-computer.ts';
import type { OwnComputer } from '../own-computer/own-computer.ts';
import { ownItems, readOwnLogin } from '../own-computer/own-login.ts';
import type { OwnLogin } from '../own-computer/own-login.ts';
import { checkSecret, readInput, readLine } from '../own-computer/secret-input.ts';
import { parseServerUrl, sendLogin } from '../own-computer/send-login.ts';
import type { CommandContext } from './context.ts';

interface ImportOptions {
  readonly server: string;
  readonly tokenFile?: string;
  readonly user?: string;
  readonly replace?: true;
  readonly home?: string;
  readonly keyFile?: string;
}

export type CredentialsContext = Pick<CommandContext, 'variables' | 'print' | 'loadConfig'>;

/** What of the computer a test replaces. */
interface Sources {
  readonly computer: () => OwnComputer;
  /** Standard input. */
  readonly input: Readable & { readonly isTTY?: boolean };
}

/** `sallyport credentials`: imports a login or a key from the user's own computer into a server elsewhere. */
export function registerCredentials(
  program: Command,
  context: CredentialsContext,
  sources: Sources = { computer: thisComputer, input: process.stdin },
): void {
  program
    .command('credentials')
    .description('import the login of a CLI on this computer into a server')
    .command('import')
    .description(
      'read the login that a CLI keeps on this computer, or a key, and store it on a server. No secret is ever an ' +
        'argument: the token of the server comes from --token-file or SALLYPORT_TOKEN, and a key from --key-file or ' +
        'the standard input',
    )
    .argument('<provider>', 'the provider, by a name that the configuration here knows')
    .optionsGroup('Options of import:')
    .requiredOption('--server <url>', 'the server: https, or http on this computer', parseServerUrl)
    .option('--token-file <file>', 'file with a token of the user, or with an API key (default: SALLYPORT_TOKEN)')
    .option('--user <id>', 'the user to store it for. Needs an API key')
    .option('--replace', 'take the place of a key with a login, or of a login with a key')
    .option('--home <directory>', "home that has the CLI's files (default: yours)")
    .option('--key-file <file>', 'import the key or token in this file (-: the standard input) and no login')
    .action((name: string, options: ImportOptions) => importOwn(name, options, context, sources));
}

async function importOwn(
  name: string,
  options: ImportOptions,
  { variables, print, loadConfig }: CredentialsContext,
  { computer, input }: Sources,
): Promise<void> {
  const provider = findProvider((await loadConfig()).providers, name);
  const { manifest } = provider;
  const token = await readToken(options.tokenFile, variables['SALLYPORT_TOKEN']);
  const takesKey = options.keyFile !== undefined || ownItems(manifest).length === 0;
  const login = takesKey
    ? await readKey(provider, options.keyFile ?? '-', input)
    : await readOwnLogin(manifest, withHome(computer(), options.home));
  for (const place of login.places) print(`Read ${place}.`);
  // What the server would refuse is not sent.
  const files = checkImport(provider, login.files);
  const { server: baseUrl, user: userId, replace } = options;
  const { version } = await sendLogin({ provider: manifest.id, files, replace }, { baseUrl, token, userId });
  for (const line of report(provider, { ...login, files }, version, baseUrl)) print(line);
}

async function readToken(file: string | undefined, variable = ''): Promise<string | undefined> {
  if (file !== undefined) return readLine(file);
  return variable.trim() === '' ? undefined : checkSecret(variable.trim(), 'The variable SALLYPORT_TOKEN');
}

async function readKey(provider: Provider, file: string, input: Sources['input']): Promise<OwnLogin> {
  const key = file === '-' ? await readInput(input) : await readLine(file);
  return { files: placeOwnKey(provider.manifest, key), places: [], rotates: false };
}

function withHome(computer: OwnComputer, home: string | undefined): OwnComputer {
  return home === undefined ? computer : { ...computer, home: resolve(home) };
}

function findProvider(providers: readonly Provider[], name: string): Provider {
  const found = providers.find(({ manifest: { id, aliases } }) => id === name || aliases.includes(name));
  if (found) return found;
  const known = providers.map(({ manifest }) => manifest.id).join(', ');
  throw new SallyportError('PROVIDER_UNKNOWN', `There is no provider ${JSON.stringify(name.slice(0, 40))}.`, {
    hint: known
      ? `The configuration has ${known}.`
      : "Run `npm install PACKAGE` with the provider's package here, and write `export default { providers: ['PACKAGE'] };` into sallyport.config.ts in this directory.",
  });
}

function report(
  { manifest: { title, cli }, inspect }: Provider,
  { files, places, rotates }: OwnLogin,
  version: number,
  server: string,
): readonly string[] {
  const account = accountOf(files, inspect);
  const stored = `${title} is connected at ${server}${account === undefined ? '' : `, account ${account}`}: version ${version}.`;
  const next = 'The next prompt there uses it, and is the first to check it.';
  if (!rotates) return [stored, next];
  const again = cli.loginCommand === undefined ? 'log in' : `run \`${cli.loginCommand}\``;
  return [
    stored,
    next,
    `Do not go on using this login here: each refresh replaces its tokens, so whichever of the two is first ends the other's copy. ` +
      `Do not log out with the CLI either, which may revoke the login at its vendor. Remove ${places.join(' and ')} ` +
      `instead; after that, ${again} to have a separate login here.`,
  ];
}

/** As the file says it, so made harmless for a terminal. */
function accountOf(files: CredentialFiles, inspect: Provider['inspect']): string | undefined {
  const account = inspect?.(files).account;
  return account === undefined ? undefined : legible(account.slice(0, 320));
}
