import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook, SyncWaterfallHook } from 'tapable';

import { applyPlugins } from './apply-plugins.ts';
import { SallyportError } from '../base/errors.ts';
import type { HookCalls } from './hook-calls.ts';
import type { SallyportHooks } from './hooks.ts';
import { collectors } from './instrument-hooks.ts';
import type { Instruments } from './instrument-hooks.ts';
import type { Plugin } from './plugin.ts';

export interface CreateHooksOptions extends Instruments {
  /** In the order their taps run. */
  readonly plugins: readonly Plugin[];
}

/** Makes the hooks, lets every plugin tap them, freezes them, and returns how the flows call them. */
export function createHooks(options: CreateHooksOptions): HookCalls {
  const hooks = instantiateHooks();
  applyPlugins(hooks, options.plugins, options);

  return {
    machinePlan: (plan, context) => hooks['machine.plan'].promise(frozenCopy(plan), context),
    networkPlan: (plan, context) => hooks['network.plan'].promise(frozenCopy(plan), context),
    machineStarted: (machine, context) => hooks['machine.started'].promise(frozenCopy(machine), context),
    machineStopping: async (machine, context, reason) => {
      const failures: SallyportError[] = [];
      const own = { ...context };
      collectors.set(own, failures);
      await hooks['machine.stopping'].promise(frozenCopy(machine), own, reason);
      return failures;
    },
    loginMethod: async (methods, context) => {
      const chosen = await hooks['login.method'].promise(frozenCopy(methods), context);
      return methods.find(({ id }) => id === chosen?.id);
    },
    loginUrl: (url, context) => hooks['login.url'].promise(frozenCopy(url), context),
    loginPrompt: async (prompt, context) =>
      prompt.secret ? undefined : hooks['login.prompt'].promise(frozenCopy(prompt), context),
    credentialCaptured: (credential, context) => hooks['credential.captured'].promise(frozenCopy(credential), context),
    credentialRelease: (credential, machine, context) =>
      hooks['credential.release'].promise(frozenCopy(credential), frozenCopy(machine), context),
    promptPlan: (plan, context) => hooks['prompt.plan'].promise(frozenCopy(plan), context),
    // Events are flat, so a shallow copy is enough on the hot path.
    promptEvent: (event, prompt) =>
      hooks['prompt.event'].call(Object.freeze({ ...event }), Object.freeze({ ...prompt })),
    event: (event) => hooks.event.call(Object.freeze({ ...event })),
  };
}

function instantiateHooks(): SallyportHooks {
  return {
    'machine.plan': new AsyncSeriesWaterfallHook(['plan', 'context'], 'machine.plan'),
    'network.plan': new AsyncSeriesWaterfallHook(['plan', 'context'], 'network.plan'),
    'machine.started': new AsyncSeriesHook(['machine', 'context'], 'machine.started'),
    'machine.stopping': new AsyncSeriesHook(['machine', 'context', 'reason'], 'machine.stopping'),
    'login.method': new AsyncSeriesBailHook(['methods', 'context'], 'login.method'),
    'login.url': new AsyncSeriesBailHook(['url', 'context'], 'login.url'),
    'login.prompt': new AsyncSeriesBailHook(['prompt', 'context'], 'login.prompt'),
    'credential.captured': new AsyncSeriesHook(['credential', 'context'], 'credential.captured'),
    'credential.release': new AsyncSeriesBailHook(['credential', 'machine', 'context'], 'credential.release'),
    'prompt.plan': new AsyncSeriesWaterfallHook(['plan', 'context'], 'prompt.plan'),
    'prompt.event': new SyncWaterfallHook(['event', 'prompt'], 'prompt.event'),
    event: new SyncHook(['event'], 'event'),
  };
}

/** Taps get a copy that throws when it is written to: changing the argument in place is a fault, not a way. */
function frozenCopy<Value extends object>(value: Value): Value {
  return deepFreeze(structuredClone(value));
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
