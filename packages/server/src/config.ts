import { z } from 'zod';

import { defaultCeiling, defaultSettings } from '@sallyport/core';
import type { Ceiling, Clock, Egress, MachineDriver, Plugin, Settings } from '@sallyport/core';

import { isLoopback, loopbackOnly } from './loopback.ts';

/** Handed to what the configuration makes when the server starts. */
export interface FactoryContext {
  /** Absolute; ours alone. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

export type Factory<Value> = (context: FactoryContext) => Value | Promise<Value>;

/** What `sallyport.config.ts` exports as default. Only `providers` is needed. */
export interface SallyportConfig {
  /** Package names, or files relative to the configuration file. Each exports a `provider`. Trusted code. */
  readonly providers: readonly string[];
  /** Ids of those to offer. Default: all. */
  readonly enabledProviders?: readonly string[] | undefined;
  /** Plugins, or names of modules that export a `plugin`. Trusted code. They join in in this order. */
  readonly plugins?: readonly (string | Plugin)[] | undefined;
  /** Modules that export a `practice`: made-up vendors of your own providers, for `sallyport providers verify`. */
  readonly practice?: readonly string[] | undefined;
  /** What makes machines. Default `process`: supervised processes on this host, for development. */
  readonly driver?: 'process' | MachineDriver | Factory<MachineDriver> | undefined;
  /** The machines' way out. Default `direct`: this host's own address. */
  readonly egress?: 'direct' | Egress | Factory<Egress> | undefined;
  /**
   * Who uses this server: its operator alone (`self-hosted`, the default), people of the same organisation (`internal`)
   * or customers (`hosted`). A provider whose terms are not known to allow that is off.
   */
  readonly deployment?: 'self-hosted' | 'internal' | 'hosted' | undefined;
  /**
   * Ids of providers whose terms you have read yourself, and found to allow what this server does. Turns them on
   * where their manifests do not.
   */
  readonly iHaveReadTheTermsOf?: readonly string[] | undefined;
  /** `desktop` (default, where there is one) or the way that shows the person least. */
  readonly logins?: { readonly prefer?: Settings['prefer'] | undefined } | undefined;
  /**
   * A login is renewed this many minutes before its access token ends, while its machine runs and where its CLI has a
   * command for it that asks no model anything. Default 20; 0 leaves it to the next prompt.
   */
  readonly keepAliveMinutes?: number | undefined;
  /** Hosts added to those of the providers, for instance a company's own identity provider. */
  readonly hosts?:
    | { readonly signIn?: readonly string[] | undefined; readonly work?: readonly string[] | undefined }
    | undefined;
  /** What no plugin can exceed. */
  readonly ceiling?: Partial<Ceiling> | undefined;
  /** A CLI machine without prompts is put to rest after this. Default 5 minutes. */
  readonly idleMs?: number | undefined;
  /**
   * Browser machines kept ready while somebody looks at what can be connected, so that Connect shows the sign-in page
   * at once. Each takes a few hundred megabytes for as long. Default 1; 0 starts every one on the click.
   */
  readonly warmBrowserMachines?: number | undefined;
  /** Default 4000; PORT goes first. */
  readonly port?: number | undefined;
  /** A loopback address. Default 127.0.0.1; HOST goes first. */
  readonly host?: string | undefined;
  /** What a person is given in place of a sign-in link. Only a demo with a made-up internet sets it. */
  readonly personUrl?: ((href: string) => string) | undefined;
}

/** Gives the editor the types. What is written is checked when it is loaded. */
export function defineConfig(config: SallyportConfig): SallyportConfig {
  return config;
}

const functionSchema = <Value>() =>
  z.custom<Value>((value) => typeof value === 'function', { error: 'must be a function' });

/** One of our names, an object with these methods, or a function that makes one. */
function chosen<Value>(name: string, methods: readonly string[]) {
  return z.custom<Value>(
    (value) =>
      value === name ||
      typeof value === 'function' ||
      methods.every((method) => typeof Object(value)[method] === 'function'),
    { error: `must be '${name}', an object with the methods ${methods.join(', ')}, or a function that makes one` },
  );
}

const pluginSchema = z.custom<string | Plugin>(
  (value) =>
    typeof value === 'string' || (typeof Object(value).name === 'string' && typeof Object(value).apply === 'function'),
  { error: 'must be the name of a module, or an object with a name and an apply method' },
);

const hostsSchema = z
  .array(
    z
      .string()
      .regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a host name in lower case, *. in front for all below it'),
  )
  .default([]);

export const configSchema = z.strictObject({
  providers: z
    .array(z.string().min(1))
    .min(1, 'must name at least one provider: a package, or a file such as ./my-provider.ts'),
  enabledProviders: z.array(z.string()).optional(),
  plugins: z.array(pluginSchema).default([]),
  practice: z.array(z.string().min(1)).default([]),
  driver: chosen<NonNullable<SallyportConfig['driver']>>('process', ['create', 'list', 'adopt', 'doctor']).default(
    'process',
  ),
  egress: chosen<NonNullable<SallyportConfig['egress']>>('direct', ['open']).default('direct'),
  deployment: z.enum(['self-hosted', 'internal', 'hosted']).default('self-hosted'),
  iHaveReadTheTermsOf: z.array(z.string()).default([]),
  logins: z.strictObject({ prefer: z.enum(['desktop', 'least-intrusive']).default('desktop') }).prefault({}),
  keepAliveMinutes: z
    .number()
    .min(0)
    .max(1440)
    .default(defaultSettings.keepAlive.beforeMs / 60_000),
  hosts: z.strictObject({ signIn: hostsSchema, work: hostsSchema }).prefault({}),
  ceiling: z
    .strictObject({
      maxMemoryMb: z.int().positive().default(defaultCeiling.maxMemoryMb),
      maxVcpus: z.int().positive().default(defaultCeiling.maxVcpus),
      maxDiskMb: z.int().positive().default(defaultCeiling.maxDiskMb),
      hosts: z.union([z.literal('provider'), z.array(z.string()).readonly()]).default(defaultCeiling.hosts),
      maxTimeoutMs: z.int().positive().default(defaultCeiling.maxTimeoutMs),
      tools: z.enum(['read-only', 'workspace', 'full']).default(defaultCeiling.tools),
      maxOutputBytes: z.int().positive().default(defaultCeiling.maxOutputBytes),
    })
    .prefault({}),
  idleMs: z.int().min(1_000, 'must be at least 1000 (one second)').default(300_000),
  warmBrowserMachines: z.int().min(0).max(64).default(defaultSettings.warmMachines.count),
  port: z.int().min(0).max(65_535).default(4000),
  host: z.string().refine(isLoopback, loopbackOnly).default('127.0.0.1'),
  personUrl: functionSchema<(href: string) => string>().optional(),
});

/** A configuration with every default filled in. */
export type CheckedConfig = Readonly<z.output<typeof configSchema>>;
