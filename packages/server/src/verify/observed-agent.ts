import type { Clock } from '@sallyport/core';
import type { AgentClient, ConnectAgent } from '@sallyport/core/protocol';

/** How long the end of a login may come after the answer that tells of it. */
const HEAR_MS = 3_000;

/**
 * Agents whose logins are observed: the application keeps one sentence of how a login ended, and leaves off
 * listening when it knows enough. The machine stays until the end was heard.
 */
export function observeAgents(connect: ConnectAgent, listener: Listener): ConnectAgent {
  return (machine, token) => {
    const agent = connect(machine, token);
    const heard = new AbortController();
    let ended: Promise<void> = Promise.resolve();

    async function listen(): Promise<void> {
      for await (const event of agent.events(heard.signal)) {
        if (event.type !== 'login.failed' && event.type !== 'login.finished') continue;
        listener.onEnd(event.sessionId, event.type === 'login.failed' ? event.screen : event.unrecognised);
        return;
      }
    }

    async function hear(): Promise<void> {
      await Promise.race([ended, listener.clock.sleep(HEAR_MS, heard.signal).catch(() => undefined)]);
      heard.abort();
    }

    const observed: AgentClient = {
      ...agent,
      startLogin: async (provider, request, signal) => {
        // Its machine may end at any moment, and there is nothing more to hear then.
        ended = listen().catch(() => undefined);
        try {
          return await agent.startLogin(provider, request, signal);
        } catch (error) {
          await hear();
          throw error;
        }
      },
      acknowledge: async (offerId) => {
        await agent.acknowledge(offerId);
        await hear();
      },
    };
    listener.onAgent(machine.id, observed);
    return observed;
  };
}

export interface Listener {
  readonly clock: Clock;
  onAgent(machineId: string, agent: AgentClient): void;
  /** `screen` is the last one, where something is to be said about it. */
  onEnd(sessionId: string, screen: string | undefined): void;
}
