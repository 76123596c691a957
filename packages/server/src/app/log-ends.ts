import type { DomainEvent, Plugin } from '@sallyport/core';
import type { FastifyBaseLogger } from 'fastify';

/**
 * Writes one line for each login, prompt and machine that ends: how, why, whose, and how long it took. Ids alone, and
 * nothing that a user wrote. `durationMs` is absent where an earlier process saw the beginning.
 */
export function logEnds(log: Pick<FastifyBaseLogger, 'info' | 'warn'>): Plugin {
  const { note, stopping } = watchEnds(log);
  return {
    name: 'sallyport.log',
    apply: ({ hooks }) => {
      hooks.event.tap('sallyport.log', note);
      hooks['machine.stopping'].tap('sallyport.log', ({ machineId }, _context, reason) => stopping(machineId, reason));
    },
  };
}

interface EndWatch {
  readonly note: (event: DomainEvent) => void;
  /** Called before a machine stops: its state alone does not say why. */
  readonly stopping: (machineId: string, reason: string) => void;
}

/** The same without the hooks. */
export function watchEnds(log: Pick<FastifyBaseLogger, 'info' | 'warn'>): EndWatch {
  const begun = new Map<string, number>();
  const reasons = new Map<string, string>();

  const since = (id: string, now: number): { durationMs?: number } => {
    const at = begun.get(id);
    begun.delete(id);
    return at === undefined ? {} : { durationMs: now - at };
  };

  function note(event: DomainEvent): void {
    const { at, userId } = event;
    switch (event.type) {
      case 'login.started':
        begun.set(event.sessionId, at);
        break;
      case 'prompt.started':
        begun.set(event.promptId, at);
        break;
      case 'login.completed':
      case 'login.held':
      case 'login.cancelled':
      case 'login.failed': {
        const { provider, sessionId } = event;
        const outcome = event.type.slice('login.'.length);
        const code = event.type === 'login.failed' ? { code: event.code } : {};
        log.info({ outcome, ...code, provider, userId, sessionId, ...since(sessionId, at) }, `login ${outcome}`);
        break;
      }
      case 'login.discarded': {
        const { provider, sessionId, reason } = event;
        const fields = { outcome: 'discarded', reason, provider, userId, sessionId };
        // Someone may be trying to have another user's account connected to theirs.
        if (reason === 'other-user') log.warn(fields, 'login discarded');
        else log.info(fields, 'login discarded');
        break;
      }
      case 'prompt.ended': {
        const { provider, promptId, outcome, code } = event;
        const why = code === undefined ? {} : { code };
        log.info({ outcome, ...why, provider, userId, promptId, ...since(promptId, at) }, `prompt ${outcome}`);
        break;
      }
      case 'machine.state':
        noteMachine(event);
        break;
      default:
        break;
    }
  }

  function noteMachine({ at, userId, machineId, role, state }: Extract<DomainEvent, { type: 'machine.state' }>): void {
    if (state === 'running') begun.set(machineId, at);
    if (!ends.has(state)) return;
    const reason = reasons.get(machineId);
    reasons.delete(machineId);
    const why = reason === undefined ? {} : { reason };
    log.info({ outcome: state, ...why, role, userId, machineId, ...since(machineId, at) }, `machine ${state}`);
  }

  return { note, stopping: (machineId, reason) => void reasons.set(machineId, reason) };
}

/** States of a machine that does not run any more. */
const ends: ReadonlySet<string> = new Set(['stopped', 'hibernated', 'lost', 'destroyed']);
