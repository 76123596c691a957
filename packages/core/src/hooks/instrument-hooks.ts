import type { Clock } from '../base/clock.ts';
import { SallyportError } from '../base/errors.ts';
import type { Context } from './arguments.ts';
import type { HookDefinition } from './definition.ts';
import { hookDefinitions } from './definitions.ts';
import type { HookName } from './hooks.ts';

/** How one tap did, for metrics. */
export interface HookTiming {
  readonly plugin: string;
  readonly hook: HookName;
  readonly ms: number;
  readonly failed: boolean;
}

export interface Instruments {
  readonly clock: Clock;
  /** Milliseconds by hook, where they differ from the definitions. */
  readonly deadlines?: Partial<Readonly<Record<HookName, number>>>;
  readonly onTiming?: (timing: HookTiming) => void;
  /** Failures that stop nothing: of taps whose hook reports them, and of interceptors. */
  readonly onError: (error: SallyportError) => void;
}

export type TapFunction = (...args: readonly unknown[]) => unknown;

/** A tap of an async hook, with deadline, blame and a checked answer. */
export function instrumentAsync(
  hook: HookName,
  plugin: string,
  run: TapFunction,
  instruments: Instruments,
): (...args: readonly unknown[]) => Promise<unknown> {
  const { clock, deadlines, onTiming, onError } = instruments;
  const definition: HookDefinition = hookDefinitions[hook];
  const limitMs = deadlines?.[hook] ?? definition.deadlineMs ?? 0;
  const isReported = definition.onFailure === 'is-reported';
  return async (...args) => {
    const context = args.find(isContext);
    // A stop cleans up after a flow that was cancelled, so the cancellation must not cancel the clean-up.
    const parent = isReported ? undefined : context?.signal;
    const deadline = clock.deadline(limitMs, () => timedOut(plugin, hook, limitMs), parent);
    const own = context && Object.freeze({ ...context, signal: deadline.signal });
    const started = clock.monotonic();
    let failed = true;
    try {
      const given = args.map((argument) => (argument === context ? own : argument));
      const answer = await untilAborted(deadline.signal, () => run(...given));
      const accepted = accept(definition, answer, args);
      failed = false;
      return accepted;
    } catch (thrown) {
      if (parent?.aborted) throw parent.reason;
      const error = blame(thrown, plugin, hook);
      if (!isReported) throw error;
      onError(error);
      const collector = context && collectors.get(context);
      collector?.push(error);
      return undefined;
    } finally {
      deadline.clear();
      onTiming?.({ plugin, hook, ms: clock.monotonic() - started, failed });
    }
  };
}

/** A tap of a sync hook. Where failures are reported taps only listen: whatever they do, the flow goes on. */
export function instrumentSync(
  hook: HookName,
  plugin: string,
  run: TapFunction,
  instruments: Instruments,
): TapFunction {
  const { clock, onTiming, onError } = instruments;
  const definition: HookDefinition = hookDefinitions[hook];
  const isReported = definition.onFailure === 'is-reported';
  return (...args) => {
    const started = clock.monotonic();
    let failed = true;
    try {
      const answer = run(...args);
      if (answer instanceof Promise) {
        // Nobody waits for it, so its rejection would end the process.
        answer.catch((thrown: unknown) => onError(blame(thrown, plugin, hook)));
        if (!isReported) throw new TypeError('The hook is synchronous; it returned a promise.');
      }
      const accepted = accept(definition, answer, args);
      failed = false;
      return accepted;
    } catch (thrown) {
      const error = blame(thrown, plugin, hook);
      if (!isReported) throw error;
      onError(error);
      return undefined;
    } finally {
      onTiming?.({ plugin, hook, ms: clock.monotonic() - started, failed });
    }
  };
}

/** tapable: `undefined` passes, whereas `null` is an answer like any other. */
function accept(definition: HookDefinition, answer: unknown, args: readonly unknown[]): unknown {
  return answer === undefined ? undefined : definition.accept(answer, args);
}

/** Failures of the taps of one call of a hook that reports them, by the context of that call. */
export const collectors = new WeakMap<Context, SallyportError[]>();

/** The error of a tap, with the names of plugin and hook. A refusal is an answer, and stays what it is. */
export function blame(thrown: unknown, plugin: string, hook: HookName | 'apply'): SallyportError {
  if (SallyportError.isInstance(thrown)) {
    const isRefusal = hook === 'credential.captured' && thrown.code === 'CREDENTIAL_REFUSED';
    const isOurDeadline = thrown.code === 'PLUGIN_TIMED_OUT' && thrown.details['plugin'] === plugin;
    if (isRefusal || isOurDeadline) return thrown;
  }
  return new SallyportError('PLUGIN_FAILED', `The plugin "${plugin}" failed in "${hook}".`, {
    details: { plugin, hook },
    cause: thrown,
  });
}

function timedOut(plugin: string, hook: HookName, limitMs: number): SallyportError {
  return new SallyportError(
    'PLUGIN_TIMED_OUT',
    `The plugin "${plugin}" did not finish "${hook}" within ${limitMs / 1000} s.`,
    { details: { plugin, hook } },
  );
}

/** The outcome of the work, or the reason of the signal, whichever is first. The work is not waited for any more then. */
function untilAborted(signal: AbortSignal, work: () => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    const settle = async (): Promise<void> => {
      try {
        resolve(await work());
      } catch (error) {
        reject(error);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    };
    void settle();
  });
}

export function isContext(value: unknown): value is Context {
  return typeof value === 'object' && value !== null && 'signal' in value && value.signal instanceof AbortSignal;
}
