import type { ServerRecord, ServerStore } from '../contracts/server-store.ts';
import { HEARTBEAT_FRESH_MS } from '../contracts/server-store.ts';

export function memoryServers(now: () => number): ServerStore {
  const servers = new Map<string, { readonly epoch: number; readonly heartbeatAt: number | undefined }>();

  function record(host: string): ServerRecord | undefined {
    const server = servers.get(host);
    if (!server) return undefined;
    const { epoch, heartbeatAt } = server;
    return { host, epoch, isFresh: heartbeatAt !== undefined && now() - heartbeatAt < HEARTBEAT_FRESH_MS };
  }

  const isCurrent = (host: string, epoch: number): boolean => servers.get(host)?.epoch === epoch;

  return {
    get: async (host) => record(host),
    claim: async (host, expectedEpoch) => {
      if ((servers.get(host)?.epoch ?? 0) !== expectedEpoch) return false;
      servers.set(host, { epoch: expectedEpoch + 1, heartbeatAt: now() });
      return true;
    },
    beat: async (host, epoch) => {
      if (isCurrent(host, epoch)) servers.set(host, { epoch, heartbeatAt: now() });
      return isCurrent(host, epoch);
    },
    release: async (host, epoch) => {
      if (isCurrent(host, epoch)) servers.set(host, { epoch, heartbeatAt: undefined });
    },
  };
}
