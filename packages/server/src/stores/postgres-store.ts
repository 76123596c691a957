import { sql } from 'kysely';

import type { Store } from '@sallyport/core';

import { createAuditStore } from './postgres/audit.ts';
import { createCredentialStore } from './postgres/credentials.ts';
import { openDatabase, type DatabaseOptions } from './postgres/database.ts';
import { createHistoryStore } from './postgres/history.ts';
import { createIdempotencyStore } from './postgres/idempotency.ts';
import { createMachineStore } from './postgres/machines.ts';
import { createPromptStore } from './postgres/prompts.ts';
import { createProviderSwitchStore } from './postgres/provider-switches.ts';
import { createServerStore } from './postgres/servers.ts';
import { createSessionStore } from './postgres/sessions.ts';
import { createUserStore } from './postgres/users.ts';

/** The store on PostgreSQL. The tables must be there already: see `migrate`. */
export function createPostgresStore(options: DatabaseOptions): Store {
  const database = openDatabase(options);
  return {
    users: createUserStore(database),
    sessions: createSessionStore(database),
    credentials: createCredentialStore(database),
    machines: createMachineStore(database),
    prompts: createPromptStore(database),
    audit: createAuditStore(database),
    providerSwitches: createProviderSwitchStore(database),
    history: createHistoryStore(database),
    servers: createServerStore(database),
    idempotency: createIdempotencyStore(database),
    ping: async () => {
      await database.run((tables) => sql`select 1`.execute(tables));
    },
    close: () => database.close(),
  };
}
