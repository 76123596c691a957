/** How taps are joined, by the class of tapable that does it. */
export type HookKind = 'AsyncSeriesWaterfall' | 'AsyncSeries' | 'AsyncSeriesBail' | 'SyncWaterfall' | 'Sync';

/** What a tap that throws, hangs or returns a wrong answer does: it ends the flow, or is reported and the flow goes on. */
export type FailurePolicy = 'ends-flow' | 'is-reported';

/**
 * Everything there is to know about a hook. Its tapable instance, the view that plugins get, the function that flows
 * call, the check of answers and its entry in docs/hooks.md are derived from it.
 */
export interface HookDefinition<
  Kind extends HookKind = HookKind,
  Args extends readonly unknown[] = readonly unknown[],
  Answer = unknown,
  Failure extends FailurePolicy = FailurePolicy,
> {
  readonly kind: Kind;
  /** `name: Type` of each argument, as the docs print it. */
  readonly args: readonly [string, ...string[]];
  /** For each tap. `null`: the hook is synchronous. */
  readonly deadlineMs: number | null;
  readonly onFailure: Failure;
  readonly doc: {
    readonly when: string;
    /** What a tap may return; `undefined` is always allowed and passes. */
    readonly result: string;
    readonly failure: string;
  };
  /** Returns a tap's answer, or throws an error that says what is wrong with it. Not asked about `undefined`. */
  accept(answer: unknown, args: Args): unknown;
  /** Whether the taps are called for these arguments. Default: always. */
  isFor?(args: Args): boolean;
  /** Turns the accepted answer into what the flow gets. Taps see copies of the arguments; these are the originals. */
  resultOf?(answer: Answer | undefined, args: Args): Answer | undefined;
  /** Never set: carries the types. */
  readonly types?: { readonly args: Args; readonly answer: Answer };
}

/** `Args` and `Answer` are given, the rest is inferred, which takes two calls. */
export function defineHook<const Args extends readonly unknown[], Answer = undefined>() {
  return <const Kind extends HookKind, const Failure extends FailurePolicy>(
    definition: HookDefinition<Kind, Args, Answer, Failure>,
  ): HookDefinition<Kind, Args, Answer, Failure> => definition;
}
