import type { Clock } from '../base/clock.ts';

/** Keeps what a machine can repeat at will from filling the audit log. Nothing is lost: a count says how many there were. */
export interface RepeatLimit {
  /** Tells the first of a kind at once, and those that follow within the window together at its end. */
  note(event: Repeatable): void;
  /** Ends every window now. */
  flush(): void;
}

export interface Repeatable {
  /** Whose windows they are: the id of a machine. */
  readonly scope: string;
  readonly kind: string;
  /** What counts together with others once a scope has had too many kinds. Chosen by us, never by a machine. */
  readonly group: string;
  /** `isOther`: many kinds of a group are told as one. */
  tell(count: number, isOther: boolean): void;
}

export interface RepeatLimitOptions {
  readonly clock: Clock;
  /** Default one minute. */
  readonly windowMs?: number;
  /** Kinds of a scope that are told apart within a window. Default 20. */
  readonly mostKinds?: number;
}

/** What follows the first of a kind in one window. */
interface Repeats {
  count: number;
  readonly tell: (count: number) => void;
}

interface Window {
  readonly kinds: Map<string, Repeats>;
  readonly others: Map<string, Repeats>;
  readonly ended: AbortController;
}

export function createRepeatLimit({ clock, windowMs = 60_000, mostKinds = 20 }: RepeatLimitOptions): RepeatLimit {
  const windows = new Map<string, Window>();

  function end(scope: string): void {
    const window = windows.get(scope);
    windows.delete(scope);
    window?.ended.abort();
    for (const repeats of [...(window?.kinds.values() ?? []), ...(window?.others.values() ?? [])]) {
      if (repeats.count > 0) repeats.tell(repeats.count);
    }
  }

  function windowOf(scope: string): Window {
    const open = windows.get(scope);
    if (open) return open;
    const window: Window = { kinds: new Map(), others: new Map(), ended: new AbortController() };
    windows.set(scope, window);
    clock.sleep(windowMs, window.ended.signal).then(
      () => end(scope),
      () => undefined,
    );
    return window;
  }

  return {
    note: (event) => {
      const { scope, kind, group } = event;
      const { kinds, others } = windowOf(scope);
      const isOther = !kinds.has(kind) && kinds.size >= mostKinds;
      const [told, key] = isOther ? [others, group] : [kinds, kind];
      const before = told.get(key);
      if (before) {
        before.count += 1;
        return;
      }
      told.set(key, { count: 0, tell: (count) => event.tell(count, isOther) });
      event.tell(1, isOther);
    },
    flush: () => {
      for (const scope of windows.keys()) end(scope);
    },
  };
}
