import type { AsyncSeriesBailHook, SyncHook } from 'tapable';

import { SallyportError } from '../base/errors.ts';
import { hookDefinitions } from './definitions.ts';
import type { HookName, SallyportHooks } from './hooks.ts';
import { blame, instrumentAsync, instrumentSync } from './instrument-hooks.ts';
import type { Instruments, TapFunction } from './instrument-hooks.ts';
import type { Plugin, PluginHost } from './plugin.ts';

/**
 * Lets each plugin tap the hooks, once, now. What a plugin gets are views with `tap`, `tapPromise` and
 * `intercept`; only we call. Afterwards the hooks are frozen.
 */
export function applyPlugins(hooks: Hooks, plugins: readonly Plugin[], instruments: Instruments): void {
  const names = new Set<string>();
  const registration: Registration = { plugin: undefined };
  for (const [name, hook] of hooks) instrument(hook, name, registration, instruments);

  for (const plugin of plugins) {
    if (plugin.name.trim() === '' || names.has(plugin.name)) {
      throw new SallyportError(
        'CONFIG_INVALID',
        `There are two plugins with the name "${plugin.name}", or it is empty.`,
        {
          hint: 'Give every plugin a different name.',
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

/** A hook of any arguments. The types of each are in its definition. */
export type AnySyncHook = SyncHook<unknown[], unknown>;
export type AnyAsyncHook = AsyncSeriesBailHook<unknown[], unknown>;
export type AnyHook = AnySyncHook | AnyAsyncHook;
type Hooks = ReadonlyMap<HookName, AnyHook>;

/** Whose `apply` is running. */
interface Registration {
  plugin: string | undefined;
}

function instrument(hook: AnyHook, name: HookName, registration: Registration, instruments: Instruments): void {
  hook.intercept({
    name: 'sallyport',
    register: (tap) => {
      const plugin = registration.plugin ?? tap.name;
      const run: TapFunction = (...args): unknown => Reflect.apply(tap.fn, undefined, args);
      if (hookDefinitions[name].deadlineMs === null) {
        return { ...tap, fn: instrumentSync(name, plugin, run, instruments) };
      }
      // An async function given to `tap` would be taken for its answer: every tap here may return a promise.
      return { ...tap, type: 'promise', fn: instrumentAsync(name, plugin, run, instruments) };
    },
  });
}

function hostFor(hooks: Hooks, plugin: string, registration: Registration, { onError }: Instruments): PluginHost {
  /** Only while this plugin's own `apply` runs: taps cannot be removed, so none may be added later. */
  const guard = (hook: HookName): void => {
    if (registration.plugin !== plugin) {
      throw blame(new Error('The hooks are frozen: plugins tap them in apply, not later.'), plugin, hook);
    }
  };

  const viewOf = (name: HookName, hook: AnyHook): object => {
    const intercept: AnyHook['intercept'] = (interceptor) => {
      guard(name);
      hook.intercept(harmless(name, interceptor));
    };
    const tap: AnyHook['tap'] = (options, run) => {
      guard(name);
      hook.tap(options, run);
    };
    if (hookDefinitions[name].deadlineMs === null || !('tapPromise' in hook)) return Object.freeze({ tap, intercept });
    const tapPromise: AnyAsyncHook['tapPromise'] = (options, run) => {
      guard(name);
      hook.tapPromise(options, run);
    };
    return Object.freeze({ tap, tapPromise, intercept });
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

  const views = Object.fromEntries([...hooks].map(([name, hook]) => [name, viewOf(name, hook)]));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each view follows the definition its type does
  return { hooks: Object.freeze(views) as SallyportHooks };
}
