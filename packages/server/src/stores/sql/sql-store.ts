import type { Store } from '@sallyport/core/store';

import { createApiKeyStore } from './api-keys.ts';
import { createAuditStore } from './audit.ts';
import { createConnectLinkStore } from './connect-links.ts';
import { createCredentialStore } from './credentials.ts';
import { openStoreDatabase } from './database.ts';
import type { DatabaseRoute } from './database.ts';
import { createHistoryStore } from './history.ts';
import { createIdempotencyStore } from './idempotency.ts';
import { createMachineStore } from './machines.ts';
import { createPromptStore } from './prompts.ts';
import { createProviderSwitchStore } from './provider-switches.ts';
import { createServerStore } from './servers.ts';
import { createSessionStore } from './sessions.ts';
import { createUserStore } from './users.ts';

/** The store on the functions of the schema `sallyport`. Its migrations must have been applied: see `migrate`. */
export function createSqlStore(route: DatabaseRoute): Store {
  const database = openStoreDatabase(route);
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
    apiKeys: createApiKeyStore(database),
    connectLinks: createConnectLinkStore(database),
    ping: async () => {
      await database.read('ping', {});
    },
    close: () => database.close(),
  };
}
