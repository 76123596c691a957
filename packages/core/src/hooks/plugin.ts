import type { HookName, SallyportHooks } from './hooks.ts';

/** What a plugin may do with a hook: listen. Only core calls. */
export type TapOnly<Hook> = Hook extends { tap: infer Tap; intercept: infer Intercept }
  ? { readonly tap: Tap; readonly intercept: Intercept } & (Hook extends { tapPromise: infer TapPromise }
      ? { readonly tapPromise: TapPromise }
      : unknown)
  : never;

/** Handed to `apply`: the hooks, and nothing else of the application. */
export interface PluginHost {
  readonly hooks: { readonly [Name in HookName]: TapOnly<SallyportHooks[Name]> };
}

/**
 * Trusted code that joins in at hooks. `apply` is called once, while the application is put together;
 * afterwards the hooks are frozen and a late tap throws.
 */
export interface Plugin {
  readonly name: string;
  apply(host: PluginHost): void;
}
