import type { AsyncSeriesHook, SyncHook } from 'tapable';

import type { SallyportError } from '../base/errors.ts';
import type { FailurePolicy, HookKind } from './definition.ts';
import { hookDefinitions } from './definitions.ts';

type Definitions = typeof hookDefinitions;

/** `machine.plan`, `event`, … */
export type HookName = keyof Definitions;

const isHookName = (name: string): name is HookName => Object.hasOwn(hookDefinitions, name);

export const hookNames: readonly HookName[] = Object.keys(hookDefinitions).filter(isHookName);

type ArgsOf<Name extends HookName> = NonNullable<Definitions[Name]['types']>['args'];
type AnswerOf<Name extends HookName> = NonNullable<Definitions[Name]['types']>['answer'];

/** Only while `apply` runs: afterward the hooks are frozen, and both functions throw. */
export interface SyncTaps<Args extends readonly unknown[], Answer> {
  /** `undefined` passes. The first argument names the tap. */
  readonly tap: (options: TapOptions, run: (...args: Args) => Answer | undefined | void) => void;
  readonly intercept: SyncHook<[...Args]>['intercept'];
}

export interface AsyncTaps<Args extends readonly unknown[], Answer> {
  /** `undefined` passes. The function may be async. */
  readonly tap: (options: TapOptions, run: (...args: Args) => Awaitable<Answer | undefined | void>) => void;
  readonly tapPromise: (options: TapOptions, run: (...args: Args) => Promise<Answer | undefined | void>) => void;
  readonly intercept: AsyncSeriesHook<[...Args]>['intercept'];
}

/** A name, or a name with tapable's own options. Taps run in the order of their plugins, then of these. */
type TapOptions = string | { readonly name: string; readonly before?: string; readonly stage?: number };
type Awaitable<Value> = Value | Promise<Value>;

type TapsOf<Kind extends HookKind, Args extends readonly unknown[], Answer> = Kind extends 'Sync' | 'SyncWaterfall'
  ? SyncTaps<Args, Answer>
  : AsyncTaps<Args, Answer>;

/** What a plugin may do with each hook: listen. Only core calls. */
export type SallyportHooks = {
  readonly [Name in HookName]: TapsOf<Definitions[Name]['kind'], ArgsOf<Name>, AnswerOf<Name>>;
};

interface Results<Args extends readonly unknown[], Answer, Failure extends FailurePolicy> {
  /** Not clamped yet: pass it through the clamp of that plan. */
  readonly AsyncSeriesWaterfall: Promise<Args[0]>;
  /** What was reported already, where failures are. */
  readonly AsyncSeries: Promise<Failure extends 'is-reported' ? readonly SallyportError[] : void>;
  /** `undefined` where no plugin answers. */
  readonly AsyncSeriesBail: Promise<Answer | undefined>;
  readonly SyncWaterfall: Args[0];
  readonly Sync: void;
}

/** `machine.plan` is called by `machinePlan`. */
type CallName<Name extends string> = Name extends `${infer Head}.${infer Tail}` ? `${Head}${Capitalize<Tail>}` : Name;

/**
 * How the flows call the hooks: one function each, with the arguments of its taps. Arguments reach the taps as frozen
 * copies; each tap has its own deadline, and its `Context` a signal that aborts at that deadline or with the signal
 * given here. Failures are `PLUGIN_FAILED` and `PLUGIN_TIMED_OUT`, which name plugin and hook; when the flow is
 * cancelled they reject with the reason of its signal. Hooks whose failures are reported never reject or throw.
 */
export type HookCalls = {
  readonly [Name in HookName as CallName<Name>]: (
    ...args: ArgsOf<Name>
  ) => Results<ArgsOf<Name>, AnswerOf<Name>, Definitions[Name]['onFailure']>[Definitions[Name]['kind']];
};
