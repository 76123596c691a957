import type { SallyportHooks } from './hooks.ts';

/** Handed to `apply`: the hooks, and nothing else of the application. */
export interface PluginHost {
  readonly hooks: SallyportHooks;
}

/**
 * Trusted code that joins in at hooks. `apply` is called once, while the application is put together;
 * afterward the hooks are frozen and a late tap throws.
 */
export interface Plugin {
  readonly name: string;
  apply(host: PluginHost): void;
}
