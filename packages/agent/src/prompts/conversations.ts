import { valueAt } from '@sallyport/core/engine';

/** Keeps the conversations that one process has had apart. */
export interface Conversations {
  /** A prompt begins. `session` is the conversation that it goes on with; absent, it begins one. */
  begin(session: string | undefined): void;
  /** Whether a message belongs to a conversation of an earlier prompt, and not to this one's. */
  isOfEarlier(message: Readonly<Record<string, unknown>>): boolean;
  /** Whether this prompt has more than one: an agent that it has started may go on when the prompt is over. */
  readonly hasSeveral: boolean;
}

/** `pointer` says where the parameters of a message name their conversation. */
export function createConversations(pointer: string): Conversations {
  /** For each prompt, the conversations that its messages named: its own, and those of agents it has started. */
  const earlier: Set<string>[] = [];
  let current = new Set<string>();
  let refused: ReadonlySet<string> = new Set();
  return {
    begin: (session) => {
      if (current.size > 0) earlier.push(current);
      current = new Set(session === undefined ? [] : [session]);
      const others = earlier.filter((those) => session === undefined || !those.has(session));
      refused = new Set(others.flatMap((those) => [...those]));
    },
    get hasSeveral() {
      return current.size > 1;
    },
    isOfEarlier: (message) => {
      const conversation = valueAt(message['params'], pointer);
      if (typeof conversation !== 'string') return false;
      if (refused.has(conversation)) return true;
      current.add(conversation);
      return false;
    },
  };
}
