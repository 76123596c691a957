import type { Store } from '@sallyport/core/store';

import type { TestRunner } from './runner.ts';
import { describeApiKeys } from './store-suite/api-keys.ts';
import { describeConnectLinks } from './store-suite/connect-links.ts';
import { describeAudit } from './store-suite/audit.ts';
import { describeAuditedChanges } from './store-suite/audited-changes.ts';
import { describeCredentials } from './store-suite/credentials.ts';
import { describeHistory } from './store-suite/history.ts';
import { describeIdempotency } from './store-suite/idempotency.ts';
import { describeLists } from './store-suite/lists.ts';
import { describeMachines } from './store-suite/machines.ts';
import { describePrompts } from './store-suite/prompts.ts';
import { describeProviderSwitches } from './store-suite/provider-switches.ts';
import { describeServers } from './store-suite/servers.ts';
import { describeSessions } from './store-suite/sessions.ts';
import { describeUsers } from './store-suite/users.ts';

/**
 * What every store has to do. `create` gives a store that is open; one store may serve all tests, since each test
 * makes new users. The caller closes it.
 *
 * @example
 * describeStore(async () => createMemoryStore({ clock: systemClock }), { describe, it, expect });
 */
export function describeStore(create: () => Promise<Store>, runner: TestRunner): void {
  runner.describe('a store', () => {
    runner.it('answers a ping', async () => {
      const store = await create();
      await runner.expect(store.ping()).resolves.toBeUndefined();
    });
    describeUsers(create, runner);
    describeSessions(create, runner);
    describeCredentials(create, runner);
    describeMachines(create, runner);
    describePrompts(create, runner);
    describeProviderSwitches(create, runner);
    describeServers(create, runner);
    describeHistory(create, runner);
    describeIdempotency(create, runner);
    describeApiKeys(create, runner);
    describeConnectLinks(create, runner);
    describeAudit(create, runner);
    describeAuditedChanges(create, runner);
    describeLists(create, runner);
  });
}
