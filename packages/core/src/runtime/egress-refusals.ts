import type { RefusalReason } from '../contracts/egress.ts';
/** Tells who uses a machine at the moment which hosts it asked for in vain: a page that stays blank has a reason. */
export interface Refusals {
  tell(machineId: string, host: string, reason: RefusalReason): void;
  /** Each host once. A machine that asks for ever new ones is soon no longer listened to. */
  watch(machineId: string, listener: (host: string, reason: RefusalReason) => void): Disposable;
}

const MOST_HOSTS = 10;

/** Chromium asks there for updates of its parts, whatever its switches say. No page needs it, so nobody is told. */
const UNASKED: ReadonlySet<string> = new Set(['update.googleapis.com']);

export function createRefusals(): Refusals {
  const watchers = new Map<string, Set<(host: string, reason: RefusalReason) => void>>();
  return {
    tell: (machineId, host, reason) => {
      for (const listener of watchers.get(machineId) ?? []) listener(host, reason);
    },
    watch: (machineId, listener) => {
      const told = new Set<string>();
      const once = (host: string, reason: RefusalReason): void => {
        if (told.has(host) || told.size >= MOST_HOSTS || UNASKED.has(host)) return;
        told.add(host);
        listener(host, reason);
      };
      const others = watchers.get(machineId) ?? new Set();
      watchers.set(machineId, others.add(once));
      return {
        [Symbol.dispose]: () => {
          others.delete(once);
          if (others.size === 0 && watchers.get(machineId) === others) watchers.delete(machineId);
        },
      };
    },
  };
}

/**
 * For the user, in one sentence; where the host has to be allowed, a second one is for the operator. The operator reads
 * why a connection failed in the event `egress.refused`: addresses and proxies of the host are not for users.
 */
export function describeRefusal(host: string, reason: RefusalReason, purpose: 'sign-in' | 'work'): string {
  // It comes from inside a machine, and may be anything.
  const name = host.replaceAll(/[^\w.:[\]-]/g, '?').slice(0, 100);
  if (reason !== 'not-allowed') return `The machine could not connect to ${name}: ${troubles[reason]}.`;
  const setting = purpose === 'work' ? 'hosts.work' : 'hosts.signIn';
  return `The machine was not let through to ${name}, which is not among the allowed hosts. Where it is needed, the setting ${setting} allows it.`;
}

/** Nothing that a user can change: the operator of the server has to. */
const troubles: Readonly<Record<Exclude<RefusalReason, 'not-allowed'>, string>> = {
  'not-public':
    'the name service of this server gives an address that is not on the public internet, which its operator has to correct',
  'not-found': 'this server finds no address for it',
  upstream: 'the proxy of this server let no connection through, which its operator has to correct',
  unreachable: 'it does not answer this server',
};
