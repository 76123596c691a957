import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook, SyncWaterfallHook } from 'tapable';

import type { SallyportError } from '../base/errors.ts';
import { applyPlugins } from './apply-plugins.ts';
import type { AnyAsyncHook, AnyHook, AnySyncHook } from './apply-plugins.ts';
import type { Context } from './arguments.ts';
import type { HookDefinition } from './definition.ts';
import { hookDefinitions } from './definitions.ts';
import { hookNames } from './hooks.ts';
import type { HookCalls, HookName } from './hooks.ts';
import { collectors, isContext } from './instrument-hooks.ts';
import type { Instruments } from './instrument-hooks.ts';
import type { Plugin } from './plugin.ts';

export interface CreateHooksOptions extends Instruments {
  /** In the order their taps run. */
  readonly plugins: readonly Plugin[];
}

const classes = {
  AsyncSeriesWaterfall: AsyncSeriesWaterfallHook,
  AsyncSeries: AsyncSeriesHook,
  AsyncSeriesBail: AsyncSeriesBailHook,
  SyncWaterfall: SyncWaterfallHook,
  Sync: SyncHook,
};

/** Makes the hooks, lets every plugin tap them, freezes them, and returns how the flows call them. */
export function createHooks(options: CreateHooksOptions): HookCalls {
  const hooks = new Map(hookNames.map((name) => [name, instantiate(name)]));
  applyPlugins(hooks, options.plugins, options);
  const calls = [...hooks].map(([name, hook]) => [callNameOf(name), callOf(hookDefinitions[name], hook)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each function follows the definition its type does
  return Object.freeze(Object.fromEntries(calls)) as HookCalls;
}

function instantiate(name: HookName): AnyHook {
  const { kind, args }: HookDefinition = hookDefinitions[name];
  const names = args.map((argument) => argument.split(':')[0]);
  return Reflect.construct(classes[kind], [names, name]);
}

function callNameOf(name: HookName): string {
  return name.replaceAll(/\.(\w)/g, (_, letter: string) => letter.toUpperCase());
}

type Call = (...args: readonly unknown[]) => unknown;

function callOf(definition: HookDefinition, hook: AnyHook): Call {
  if (definition.deadlineMs !== null && 'tapPromise' in hook) return callAsync(definition, hook);
  if ('call' in hook) return callSync(hook);
  throw new TypeError(`A hook of kind ${definition.kind} needs a deadline.`);
}

/** Events are flat, so shallow copies are enough on the hot path. */
function callSync(hook: AnySyncHook): Call {
  return (...args) => hook.call(...args.map((argument) => Object.freeze(Object.assign({}, argument))));
}

function callAsync(definition: HookDefinition, hook: AnyAsyncHook): Call {
  return async (...args) => {
    if (definition.isFor?.(args) === false) return undefined;
    const failures: SallyportError[] = [];
    const given = args.map((argument) => {
      if (!isContext(argument)) return frozenCopy(argument);
      if (definition.onFailure === 'ends-flow') return argument;
      const own: Context = { ...argument };
      collectors.set(own, failures);
      return own;
    });
    const answer = await hook.promise(...given);
    if (definition.onFailure === 'is-reported') return failures;
    return definition.resultOf ? definition.resultOf(answer, args) : answer;
  };
}

/** Taps get a copy that throws when it is written to: an argument is changed by returning another one. */
function frozenCopy(value: unknown): unknown {
  return deepFreeze(structuredClone(value));
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
