import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { ApiKeyRecord, ApiKeyRole, AuditType, Store } from '@sallyport/core/store';

import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

import { createApiKey } from '../auth/api-key.ts';
import type { ServerEnvironment } from '../config/environment.ts';
import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';

/** What `sallyport api-keys` works with. */
interface ApiKeysCommand {
  readonly store: Pick<Store, 'apiKeys' | 'audit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly print: (line: string) => void;
  readonly remark: (line: string) => void;
  readonly environment: () => ServerEnvironment;
}

/** `sallyport api-keys`: makes, lists and revokes the keys with which backends call the HTTP API. */
export function registerApiKeys(
  program: Command,
  context: Pick<CommandContext, 'words' | 'clock' | 'print' | 'remark' | 'environment' | 'withStore'>,
): void {
  const withKeys = (work: (command: ApiKeysCommand) => Promise<void>): Promise<void> =>
    context.withStore((store) => work({ ...context, store }));
  const group = program
    .command('api-keys')
    .summary('list, make or revoke the keys with which backends call the HTTP API')
    .description(
      'list, make or revoke the keys with which backends call the HTTP API, whether a server runs or not. ' +
        'A key of the role "service" acts for every user; "admin" may also read what concerns the whole server, such as /metrics',
    );
  group
    .command('list', defaultUnlessNamed(context))
    .description('list the keys, and when each was last used (default)')
    .action(() => withKeys(list));
  group
    .command('create')
    .description('make a key, and print it once: the key alone on standard output')
    .argument('[name]', 'what to call it (default: its role)', parseName)
    .optionsGroup('Options of create:')
    .addOption(new Option('--role <role>', 'what it may do').choices(['service', 'admin']).default('service'))
    .action((name: string | undefined, { role }: { readonly role: ApiKeyRole }) =>
      withKeys((command) => create(command, name ?? role, role)),
    );
  group
    .command('revoke')
    .description('have the server refuse a key from now on')
    .argument('<id>', 'its id, as listed')
    .action((id: string) => withKeys((command) => revoke(command, id)));
}

function parseName(given: string): string {
  if (given !== '' && given.length <= 100 && !/\p{Cc}/u.test(given)) return given;
  throw new InvalidArgumentError('It must have 1 to 100 characters, on one line.');
}

async function create(
  { store, clock, print, remark, environment }: ApiKeysCommand,
  name: string,
  role: ApiKeyRole,
): Promise<void> {
  const { keyId, key } = await createApiKey(store.apiKeys, { name, role });
  await note({ store, clock }, 'api-key.created', { keyId, role, name });
  print(key.reveal());
  remark(`This is the key ${keyId} of the role ${role}. Keep it now: it is not stored and cannot be shown again.`);
  remark(`It works with servers that use ${describePlace(environment())}.`);
}

/** What a server has to share to know the key. */
function describePlace({ database, dataDirectory }: ServerEnvironment): string {
  if (database.kind === 'embedded') return `the data directory ${dataDirectory}`;
  return database.kind === 'postgres' ? 'the database of DATABASE_URL' : `the Supabase project ${database.url}`;
}

async function list({ store, print }: ApiKeysCommand): Promise<void> {
  const keys = await store.apiKeys.list();
  if (keys.length === 0) print('There is no API key. Make one with `sallyport api-keys create`.');
  for (const key of keys) print(describe(key));
}

function describe({ keyId, role, name, createdAt, lastUsedAt, revokedAt }: ApiKeyRecord): string {
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  const used = lastUsedAt === null ? 'never used' : `last used ${day(lastUsedAt)}`;
  const state = revokedAt === null ? used : `revoked ${day(revokedAt)}`;
  return `${keyId}  ${role.padEnd(8)}made ${day(createdAt)}, ${state.padEnd(22)}${name}`;
}

async function revoke({ store, clock, print }: ApiKeysCommand, keyId: string): Promise<void> {
  if (await store.apiKeys.revoke(keyId)) {
    await note({ store, clock }, 'api-key.revoked', { keyId });
    print(`The key ${keyId} is revoked: it is refused from now on. User tokens that it made end within an hour.`);
    return;
  }
  const known = await store.apiKeys.get(keyId);
  if (known) print(`The key ${keyId} was revoked before.`);
  else {
    throw new SallyportError('CONFIG_INVALID', `There is no API key ${JSON.stringify(keyId.slice(0, 40))}.`, {
      hint: 'List the ids with `sallyport api-keys`.',
    });
  }
}

async function note(
  { store, clock }: Pick<ApiKeysCommand, 'store' | 'clock'>,
  type: AuditType,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  await store.audit.append({ at: new Date(clock.now()), type, userId: null, data });
}
