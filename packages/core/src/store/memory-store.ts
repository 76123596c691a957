import type { Clock } from '../base/clock.ts';
import { memoryApiKeys } from './memory-api-keys.ts';
import { memoryAudit } from './memory-audit.ts';
import { memoryConnectLinks } from './memory-connect-links.ts';
import { memoryCredentials } from './memory-credentials.ts';
import { memoryHistory } from './memory-history.ts';
import { memoryIdempotency } from './memory-idempotency.ts';
import { memoryMachines } from './memory-machines.ts';
import { memoryPrompts } from './memory-prompts.ts';
import { memoryServers } from './memory-servers.ts';
import { memorySessions } from './memory-sessions.ts';
import { memoryUsers } from './memory-users.ts';
import type { Store } from '../contracts/store.ts';

/**
 * The reference store: everything in this process, gone with it. What its methods do is what the PostgreSQL store
 * has to do; each method works in one turn of the event loop, which is its transaction. Records that go in or
 * out are copies.
 */
export function createMemoryStore(options: { readonly clock: Clock }): Store {
  const now = (): Date => new Date(options.clock.now());
  const disabled = new Set<string>();
  const { write, ...audit } = memoryAudit();
  const users = memoryUsers(write, options.clock);
  const { ended: endedSessions, ...sessions } = memorySessions(now, write);
  const { ended: endedPrompts, ...prompts } = memoryPrompts(now, write);
  const { versionOn, destroyed, ...machines } = memoryMachines({
    now,
    users,
    writeAudit: write,
    holding: (...of) => holding(...of),
  });
  const { holding, ...credentials } = memoryCredentials({ now, writeAudit: write, versionOn });
  return {
    users,
    sessions,
    credentials,
    machines,
    prompts,
    history: memoryHistory({ conversations: [endedSessions, endedPrompts], machines: destroyed, now }),
    audit,
    providerSwitches: {
      disabled: async () => [...disabled].toSorted(),
      set: async (provider, isDisabled) => {
        if (isDisabled) disabled.add(provider);
        else disabled.delete(provider);
      },
    },
    servers: memoryServers(() => options.clock.now()),
    idempotency: memoryIdempotency(() => options.clock.now()),
    apiKeys: memoryApiKeys(now),
    connectLinks: memoryConnectLinks(() => options.clock.now()),
    ping: async () => undefined,
    close: async () => undefined,
  };
}
