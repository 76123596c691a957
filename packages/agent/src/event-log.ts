import type { AgentEvent } from '@sallyport/core/protocol';

/** An event with the id a stream is resumed by. */
export interface LoggedEvent {
  readonly id: number;
  readonly event: AgentEvent;
}

/** Everything that happens in this machine, in order, for `GET /events`. */
export interface EventLog {
  /** Tells every listener, and keeps the event for those who come later. */
  publish(event: AgentEvent): void;
  /** Tells every listener, and keeps nothing: for events that are repeated anyway. */
  announce(event: AgentEvent): void;
  /** Numbers an event for one listener alone. */
  number(event: AgentEvent): LoggedEvent;
  /** Replays what came after the id, then follows. An id from another boot replays everything. */
  subscribe(afterId: number, listener: (entry: LoggedEvent) => void): () => void;
}

/** A login has about ten events; the oldest go first. */
const MOST_EVENTS = 500;

export function createEventLog(mostEvents: number = MOST_EVENTS): EventLog {
  const kept: LoggedEvent[] = [];
  const listeners = new Set<(entry: LoggedEvent) => void>();
  let lastId = 0;
  const number = (event: AgentEvent): LoggedEvent => ({ id: ++lastId, event });
  const tell = (entry: LoggedEvent): void => {
    for (const listener of listeners) listener(entry);
  };
  return {
    number,
    publish: (event) => {
      const entry = number(event);
      kept.push(entry);
      if (kept.length > mostEvents) kept.shift();
      tell(entry);
    },
    announce: (event) => tell(number(event)),
    subscribe: (afterId, listener) => {
      const after = afterId > lastId ? 0 : afterId;
      for (const entry of kept.filter((candidate) => candidate.id > after)) listener(entry);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
