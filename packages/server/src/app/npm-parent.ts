import type { Clock } from '@sallyport/core';

/** Which process is the parent of this one is a system call away, and nothing reports a change. */
const LOOK_MS = 500;

export interface NpmParent {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Id of the parent of this process now. */
  readonly parentId: () => number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the process that started this one has ended, if npm started it: `npx sallyport serve`, or a script of
 * package.json. npm passes SIGTERM on to its child alone, which is a shell. The shell ends, and what it runs would be left
 * behind. Never resolves elsewhere, where a server may well outlive the shell it was started from, or after the signal.
 */
export async function npmParentEnded({ variables, clock, parentId, signal }: NpmParent): Promise<void> {
  const { promise: never } = Promise.withResolvers<void>();
  // Set by npm for everything it runs: `exec` or `run-script`.
  if (!variables['npm_command']) return never;
  const parent = parentId();
  while (parentId() === parent) {
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    if (signal.aborted) return never;
  }
}
