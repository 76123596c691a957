import { SallyportError } from '@sallyport/core';
import type { ApiKeyRecord, ApiKeyRole, AuditType, Clock, Store } from '@sallyport/core';

import { createApiKey } from '../auth/api-key.ts';

/** What `sallyport api-keys` works with. */
export interface ApiKeysCommand {
  readonly store: Pick<Store, 'apiKeys' | 'audit'>;
  readonly clock: Pick<Clock, 'now'>;
  /** As given with --role. */
  readonly role: string | undefined;
  readonly print: (line: string) => void;
}

export const apiKeysUsage = `sallyport api-keys [list]
       sallyport api-keys create [NAME] [--role service|admin]
       sallyport api-keys revoke ID`;

/** Makes, lists and revokes the keys with which backends call the HTTP API, whether a server runs at the moment or not. */
export async function apiKeysCommand(words: readonly string[], command: ApiKeysCommand): Promise<void> {
  const [action = 'list', subject, ...rest] = words;
  const { role = 'service' } = command;
  if (action === 'list' && subject === undefined) return await list(command);
  if (action === 'create' && rest.length === 0 && isRole(role)) return await create(command, subject ?? role, role);
  if (action === 'revoke' && subject !== undefined && rest.length === 0) return await revoke(command, subject);
  const given = action === 'create' && !isRole(role) ? `role "${role}"` : `command "api-keys ${words.join(' ')}"`;
  throw new SallyportError('CONFIG_INVALID', `There is no ${given}.`, { hint: `Usage: ${apiKeysUsage}` });
}

async function create({ store, clock, print }: ApiKeysCommand, name: string, role: ApiKeyRole): Promise<void> {
  if (name === '' || name.length > 100 || /\p{Cc}/u.test(name)) {
    throw new SallyportError('CONFIG_INVALID', 'The name of an API key has 1 to 100 characters, on one line.', {
      hint: `Usage: ${apiKeysUsage}`,
    });
  }
  const { keyId, key } = await createApiKey(store.apiKeys, { name, role });
  await note({ store, clock }, 'api-key.created', { keyId, role, name });
  print(key.reveal());
  print(`This is the key ${keyId} of the role ${role}. Keep it now: it is not stored and cannot be shown again.`);
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

function isRole(role: string): role is ApiKeyRole {
  return role === 'service' || role === 'admin';
}
