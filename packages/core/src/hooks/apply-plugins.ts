import type { AsyncSeriesBailHook, SyncWaterfallHook } from 'tapable';

import { SallyportError } from '../base/errors.ts';
import type { HookName, SallyportHooks } from './hooks.ts';
import { blame, instrumentAsync, instrumentSync } from './instrument-hooks.ts';
import type { Instruments, TapFunction } from './instrument-hooks.ts';
import type { Plugin, PluginHost } from './plugin.ts';

/**
 * Lets each plugin tap the hooks, once, now. What a plugin gets are views with `tap`, `tapPromise` and
 * `intercept`; only we call. Afterwards the hooks are frozen.
 */
export function applyPlugins(hooks: SallyportHooks, plugins: readonly Plugin[], instruments: Instruments): void {
  const names = new Set<string>();
  const registration: Registration = { plugin: undefined };
  for (const name of hookNames) instrument(hooks, name, registration, instruments);

  for (const plugin of plugins) {
    if (plugin.name.trim() === '' || names.has(plugin.name)) {
      throw new SallyportError(
        'CONFIG_INVALID',
        `There are two plugins with the name "${plugin.name}", or it is empty.`,
        {
          hint: 'Give every plugin a name of its own.',
        },
      );
    }
    names.add(plugin.name);
    registration.plugin = plugin.name;
    try {
      const applied: unknown = plugin.apply(hostFor(hooks, plugin.name, registration, instruments));
      if (applied instanceof Promise) {
        applied.catch(() => undefined);
        throw new TypeError('apply has to be synchronous; it returned a promise.');
      }
    } catch (thrown) {
      throw SallyportError.isInstance(thrown) && thrown.code === 'PLUGIN_FAILED'
        ? thrown
        : blame(thrown, plugin.name, 'apply');
    } finally {
      registration.plugin = undefined;
    }
  }
}

/** Whose `apply` is running. */
interface Registration {
  plugin: string | undefined;
}

const hookNames: readonly HookName[] = [
  'machine.plan',
  'network.plan',
  'machine.started',
  'machine.stopping',
  'login.method',
  'login.url',
  'login.prompt',
  'credential.captured',
  'credential.release',
  'prompt.plan',
  'prompt.event',
  'event',
];

function instrument(hooks: SallyportHooks, name: HookName, registration: Registration, instruments: Instruments): void {
  hooks[name].intercept({
    name: 'sallyport',
    register: (tap) => {
      const plugin = registration.plugin ?? tap.name;
      const run: TapFunction = (...args): unknown => Reflect.apply(tap.fn, undefined, args);
      if (name === 'event' || name === 'prompt.event')
        return { ...tap, fn: instrumentSync(name, plugin, run, instruments) };
      // An async function given to `tap` would be taken for its answer: every tap here may return a promise.
      return { ...tap, type: 'promise', fn: instrumentAsync(name, plugin, run, instruments) };
    },
  });
}

function hostFor(
  hooks: SallyportHooks,
  plugin: string,
  registration: Registration,
  { onError }: Instruments,
): PluginHost {
  /** Only while this plugin's own `apply` runs: taps cannot be removed, so none may be added later. */
  const guard = (hook: HookName): void => {
    if (registration.plugin !== plugin) {
      throw blame(new Error('The hooks are frozen: plugins tap them in apply, not later.'), plugin, hook);
    }
  };

  const asyncView = <T, R>(
    name: HookName,
    hook: Pick<AsyncSeriesBailHook<T, R>, 'tap' | 'tapPromise' | 'intercept'>,
  ) => {
    const view: typeof hook = {
      tap: (options, run) => {
        guard(name);
        hook.tap(options, run);
      },
      tapPromise: (options, run) => {
        guard(name);
        hook.tapPromise(options, run);
      },
      intercept: (interceptor) => {
        guard(name);
        hook.intercept(harmless(name, interceptor));
      },
    };
    return Object.freeze(view);
  };

  const syncView = <T, R>(name: HookName, hook: Pick<SyncWaterfallHook<T, R>, 'tap' | 'intercept'>) => {
    const view: typeof hook = {
      tap: (options, run) => {
        guard(name);
        hook.tap(options, run);
      },
      intercept: (interceptor) => {
        guard(name);
        hook.intercept(harmless(name, interceptor));
      },
    };
    return Object.freeze(view);
  };

  /** An interceptor watches. One that fails is reported; one that would exchange other plugins' taps is refused. */
  const harmless = <Interceptor extends object>(name: HookName, interceptor: Interceptor): Interceptor => {
    if ('register' in interceptor) {
      throw blame(
        new Error('An interceptor of a plugin cannot have `register`: it could exchange other taps.'),
        plugin,
        name,
      );
    }
    const guarded = Object.entries(interceptor).map(([key, watch]: [string, unknown]) => [
      key,
      typeof watch === 'function' ? quiet(name, watch) : watch,
    ]);
    return Object.assign({}, interceptor, Object.fromEntries(guarded));
  };

  const quiet =
    (name: HookName, watch: object) =>
    (...args: readonly unknown[]): void => {
      try {
        if (typeof watch === 'function') Reflect.apply(watch, undefined, args);
      } catch (thrown) {
        onError(blame(thrown, plugin, name));
      }
    };

  return {
    hooks: Object.freeze({
      'machine.plan': asyncView('machine.plan', hooks['machine.plan']),
      'network.plan': asyncView('network.plan', hooks['network.plan']),
      'machine.started': asyncView('machine.started', hooks['machine.started']),
      'machine.stopping': asyncView('machine.stopping', hooks['machine.stopping']),
      'login.method': asyncView('login.method', hooks['login.method']),
      'login.url': asyncView('login.url', hooks['login.url']),
      'login.prompt': asyncView('login.prompt', hooks['login.prompt']),
      'credential.captured': asyncView('credential.captured', hooks['credential.captured']),
      'credential.release': asyncView('credential.release', hooks['credential.release']),
      'prompt.plan': asyncView('prompt.plan', hooks['prompt.plan']),
      'prompt.event': syncView('prompt.event', hooks['prompt.event']),
      event: syncView('event', hooks.event),
    }),
  };
}
