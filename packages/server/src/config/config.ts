import { availableParallelism, totalmem } from 'node:os';

import { z } from 'zod';

import { defaultCeiling, defaultSettings } from '@sallyport/core';
import { ANY_HOST } from '@sallyport/core/egress';
import type { Ceiling, Clock, Plugin, Settings } from '@sallyport/core';
import type { MachineDriver } from '@sallyport/core/driver';
import type { Egress } from '@sallyport/core/egress';
import { networkRateBounds } from '@sallyport/machines';
import type { NetworkRate } from '@sallyport/machines';

import {
  CONNECTIONS_PER_ADDRESS,
  defaultConnections,
  defaultStreamLimits,
  FAILURES_PER_MINUTE,
} from '../http/limits.ts';
import { signInSettingsSchema } from '../auth/sign-in-settings.ts';
import type { OidcSettings, SupabaseSettings } from '../auth/sign-in-settings.ts';
import { connectLinkSettingsSchema } from '../connect-links/settings.ts';
import { isAddressRange } from '../auth/trusted-proxies.ts';
import { defaultCapacity } from '../capacity/defaults.ts';
import { egressSettingsSchema } from './egress-settings.ts';
import type { EgressSettings } from './egress-settings.ts';
import { originSchema, publicUrlSchema } from './origin-schema.ts';

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
  /** Modules that export `fakeVendors`, which stand in for the vendors of your providers, for `sallyport providers verify`. */
  readonly fakeVendors?: readonly string[] | undefined;
  /**
   * What makes machines. Default `process`: supervised processes on this host, for development. `firecracker`: virtual
   * machines for production, on hosts with KVM and as root.
   */
  readonly driver?:
    | 'process'
    | 'qemu'
    | 'firecracker'
    | QemuSettings
    | MachineDriver
    | Factory<MachineDriver>
    | undefined;
  /** The machines' egress. Default `direct`: this host's own address. `{ kind, … }`: through a proxy service. */
  readonly egress?: 'direct' | EgressSettings | Egress | Factory<Egress> | undefined;
  /**
   * Who uses this server: its operator alone (`self-hosted`, the default), users of the same organisation (`internal`)
   * or customers (`hosted`). A provider whose terms are not known to allow that is off.
   */
  readonly deployment?: 'self-hosted' | 'internal' | 'hosted' | undefined;
  /**
   * Ids of providers whose terms you have read yourself, and found to allow what this server does. Turns them on
   * where their manifests do not.
   */
  readonly acceptedTerms?: readonly string[] | undefined;
  /** `desktop` (the default, if there is a desktop) or the method that shows the user least. */
  readonly logins?: { readonly prefer?: Settings['prefer'] | undefined } | undefined;
  /**
   * A login is refreshed this many minutes before its access token ends, while its machine runs and where its CLI has a
   * command for it that asks no model anything. Default 20; 0 leaves it to the next prompt.
   */
  readonly keepAliveMinutes?: number | undefined;
  /**
   * Hosts added to those of the providers: `signIn` while a user logs in, for instance a company's own identity
   * provider; `work` while CLIs work. `none` is the default; `public` is port 443 of every public host, so that a CLI
   * can install packages and read pages, and also send whatever it was told to anywhere.
   */
  readonly hosts?:
    | {
        readonly signIn?: readonly string[] | undefined;
        readonly work?: 'none' | 'public' | readonly string[] | undefined;
      }
    | undefined;
  /** What no plugin can exceed. */
  readonly ceiling?: Partial<Ceiling> | undefined;
  /** A CLI machine without prompts is hibernated or stopped after this. Default 5 minutes. */
  readonly idleMs?: number | undefined;
  /** Days that logins and prompts are kept after they ended, with what was printed. Default 30; 0 keeps them for ever. */
  readonly historyDays?: number | undefined;
  /** How much later at most, as a fraction of `idleMs`, so that machines do not all stop at once. Default 0.2. */
  readonly idleJitter?: number | undefined;
  /** What machines may take of this host. `sallyport capacity` says how many that are. */
  readonly capacity?:
    | {
        /** MiB for all machines that run. Default: the host's memory but an eighth of it, which is at least 1024. */
        readonly memoryMb?: number | undefined;
        /** vCPUs of all machines that run. Default: eight for each processor, since most of them wait for a model. */
        readonly vcpus?: number | undefined;
        /** Machines that are started or woken at a time. Default: two for each processor, and 8 at most. */
        readonly startAtOnce?: number | undefined;
        /** Machines that may wait for that. The next one is refused with 429. Default 100. */
        readonly maxWaiting?: number | undefined;
        /**
         * Percent of the disk that stay free, up to 10 GiB: below that, no machine is started. Below 8 percent, up to 5 GiB, an
         * idle machine is stopped and does not hibernate. Default 15.
         */
        readonly minFreeDiskPercent?: number | undefined;
      }
    | undefined;
  /** What users may have under way at a time; the next is refused with 429. */
  readonly limits?:
    | {
        /** Logins of one user. Default 8. */
        readonly loginsPerUser?: number | undefined;
        /** Logins of all users. Default 500. */
        readonly logins?: number | undefined;
        /** Prompts that wait while a user's machine runs four. Default 4. */
        readonly waitingPrompts?: number | undefined;
        /** Prompts of all users that run or wait. Default 2000. */
        readonly prompts?: number | undefined;
        /** Open event streams of one user. Default 64. */
        readonly streamsPerUser?: number | undefined;
        /** Open event streams of all users. Default 4000. */
        readonly streams?: number | undefined;
        /**
         * API keys and tokens of one client address, or one IPv6 /64, that are refused with 401 in a minute; the next refused
         * one gets a 429. Valid ones are never refused for it. Default 30.
         */
        readonly refusedCredentials?: number | undefined;
      }
    | undefined;
  /**
   * Browser machines kept ready while a user looks at what can be connected, so that Connect shows the sign-in page
   * at once. Each takes a few hundred megabytes for as long. Default 1; 0 starts every one on the click.
   */
  readonly warmBrowserMachines?: number | undefined;
  /** Default 4000; PORT goes first. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1; HOST goes first. Other than loopback only with `auth` and an https `publicUrl`. */
  readonly host?: string | undefined;
  /**
   * Address under which users and pages reach this server: an https origin without a path, such as
   * `https://connect.example.com`. SALLYPORT_PUBLIC_URL goes first. Default: what a request was sent to, on loopback.
   */
  readonly publicUrl?: string | undefined;
  /**
   * Asks every caller who they are. Absent: everybody who reaches the server is its operator, so it stays on loopback.
   * `{}`: backends by API key (`sallyport api-keys create`), and their users by the tokens that those make.
   */
  readonly auth?:
    | {
        /** Sign-in services whose tokens your users may send themselves. */
        readonly signIn?: readonly (OidcSettings | SupabaseSettings)[] | undefined;
      }
    | undefined;
  /** Links to a page of this server that does one login for a user of your product: `POST /api/connect-links`. */
  readonly connectLinks?:
    | {
        /** What your users call your product. The page says that it asks. */
        readonly product: string;
        /** Addresses of your product to which users may return: https, or http on loopback. Compared letter by letter. */
        readonly returnUrls: readonly string[];
      }
    | undefined;
  /** Origins of your pages, such as `https://app.example.com`: they may call the API and embed the viewer. */
  readonly allowedOrigins?: readonly string[] | undefined;
  /** Addresses and networks of the proxies in front of this server, such as `127.0.0.1` or `10.0.0.0/8`. */
  readonly trustProxy?: readonly string[] | undefined;
  /** Open connections of one client address, or one IPv6 /64, at a time; the next is refused with 503. Default 512. */
  readonly connectionsPerAddress?: number | undefined;
  /**
   * Open connections of all clients at a time, those through `trustProxy` included; the next is refused with 503.
   * Default 8192, or half of the files that the server may open.
   */
  readonly connections?: number | undefined;
  /** What a user is given in place of a sign-in link. Only a demo with a fake internet sets it. */
  readonly userUrl?: ((href: string) => string) | undefined;
}

/** Virtual machines of QEMU. Their images are built with `sallyport images build`. */
export interface QemuSettings {
  readonly kind: 'qemu';
  /**
   * `bridge`: TAP devices on a separate bridge, which needs root; `user`: inside each machine's QEMU, which needs
   * nothing. Default `bridge` where the server is root, else `user`. Both let a machine reach its egress proxy alone.
   */
  readonly network?: 'bridge' | 'user' | undefined;
  /** Of the bridge. Addresses of the machines, an IPv4 network such as the default 192.168.100.0/24. They are seen by nobody else. */
  readonly subnet?: string | undefined;
  /**
   * Of the bridge. What each machine may send, and as much again what it may receive; more is dropped. Default 6,250,000 bytes
   * a second (50 Mbit/s) with a burst of 31,250,000 bytes.
   */
  readonly networkRate?: NetworkRate | undefined;
  /** Default `auto`: KVM where a guest really runs with it, else an emulated processor (`tcg`). */
  readonly accelerator?: 'auto' | 'kvm' | 'tcg' | undefined;
  /** Whether browser machines go on from the memory of one that was booted ahead. Default true. */
  readonly templates?: boolean | undefined;
}

const rateNumber = (key: keyof NetworkRate) =>
  z.int().min(networkRateBounds[key].least).max(networkRateBounds[key].most);

export const qemuSettingsSchema: z.ZodType<QemuSettings> = z.strictObject({
  kind: z.literal('qemu'),
  network: z.enum(['bridge', 'user']).optional(),
  subnet: z.cidrv4().optional(),
  networkRate: z
    .strictObject({ bytesPerSecond: rateNumber('bytesPerSecond'), burstBytes: rateNumber('burstBytes') })
    .optional(),
  accelerator: z.enum(['auto', 'kvm', 'tcg']).optional(),
  templates: z.boolean().optional(),
});

/** Gives the editor the types. What is written is checked when it is loaded. */
export function defineConfig(config: SallyportConfig): SallyportConfig {
  return config;
}

const functionSchema = <Value>() =>
  z.custom<Value>((value) => typeof value === 'function', { error: 'must be a function' });

/** One of our names, an object with these methods, or a function that makes one. */
function chosen<Value>(
  names: readonly string[],
  methods: readonly string[],
  settings: { readonly schema: z.ZodType; readonly kinds: readonly string[] },
) {
  const { schema, kinds } = settings;
  const named = [...names.map((name) => `'${name}'`), ...kinds.map((kind) => `{ kind: '${kind}', … }`)].join(', ');
  return z.custom<Value>(
    (value) =>
      names.some((name) => value === name) ||
      schema.safeParse(value).success ||
      typeof value === 'function' ||
      methods.every((method) => typeof Object(value)[method] === 'function'),
    { error: `must be ${named}, an object with the methods ${methods.join(', ')}, or a function that makes one` },
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

/** As lists, which is all that the plan of a network knows. */
const workHostsSchema = z.union(
  [z.literal('none').transform(() => []), z.literal('public').transform(() => [ANY_HOST]), hostsSchema],
  { error: "must be 'none', 'public', or a list of host names in lower case, *. in front for all below one" },
);

const hostCapacity = defaultCapacity({ memoryMb: totalmem() / 2 ** 20, processors: availableParallelism() });

export const configSchema = z.strictObject({
  providers: z.array(z.string().min(1)),
  enabledProviders: z.array(z.string()).optional(),
  plugins: z.array(pluginSchema).default([]),
  fakeVendors: z.array(z.string().min(1)).default([]),
  driver: chosen<NonNullable<SallyportConfig['driver']>>(
    ['process', 'qemu', 'firecracker'],
    ['create', 'list', 'adopt', 'doctor'],
    {
      schema: qemuSettingsSchema,
      kinds: ['qemu'],
    },
  ).default('process'),
  egress: chosen<NonNullable<SallyportConfig['egress']>>(['direct'], ['open'], {
    schema: egressSettingsSchema,
    kinds: ['proxy', 'decodo'],
  }).default('direct'),
  deployment: z.enum(['self-hosted', 'internal', 'hosted']).default('self-hosted'),
  acceptedTerms: z.array(z.string()).default([]),
  logins: z.strictObject({ prefer: z.enum(['desktop', 'least-intrusive']).default('desktop') }).prefault({}),
  keepAliveMinutes: z
    .number()
    .min(0)
    .max(1440)
    .default(defaultSettings.keepAlive.beforeMs / 60_000),
  hosts: z.strictObject({ signIn: hostsSchema, work: workHostsSchema }).prefault({}),
  ceiling: z
    .strictObject({
      maxMemoryMb: z.int().positive().default(defaultCeiling.maxMemoryMb),
      maxVcpus: z.int().positive().default(defaultCeiling.maxVcpus),
      maxDiskMb: z.int().positive().default(defaultCeiling.maxDiskMb),
      hosts: z.union([z.literal('provider'), z.array(z.string()).readonly()]).default(defaultCeiling.hosts),
      maxTimeoutMs: z.int().positive().default(defaultCeiling.maxTimeoutMs),
      tools: z.enum(['read-only', 'workspace', 'full']).default(defaultCeiling.tools),
      projectSettings: z.enum(['ignore', 'use']).default(defaultCeiling.projectSettings),
      maxOutputBytes: z.int().positive().default(defaultCeiling.maxOutputBytes),
    })
    .prefault({}),
  idleMs: z.int().min(1_000, 'must be at least 1000 (one second)').default(300_000),
  historyDays: z
    .int()
    .min(0)
    .max(3650)
    .default(defaultSettings.historyMs / (24 * 60 * 60_000)),
  idleJitter: z.number().min(0).max(1).default(defaultSettings.idleJitter),
  capacity: z
    .strictObject({
      memoryMb: z.int().positive().default(hostCapacity.memoryMb),
      vcpus: z.int().positive().default(hostCapacity.vcpus),
      startAtOnce: z.int().positive().default(hostCapacity.startAtOnce),
      maxWaiting: z.int().min(0).default(defaultSettings.queue.maxWaiting),
      minFreeDiskPercent: z
        .number()
        .min(0)
        .max(90)
        .default(defaultSettings.disk.toStart.share * 100),
    })
    .prefault({}),
  limits: z
    .strictObject({
      loginsPerUser: z.int().positive().default(defaultSettings.limits.loginsPerUser),
      logins: z.int().positive().default(defaultSettings.limits.logins),
      waitingPrompts: z.int().min(0).default(defaultSettings.limits.waitingPrompts),
      prompts: z.int().positive().default(defaultSettings.limits.prompts),
      streamsPerUser: z.int().positive().default(defaultStreamLimits.perUser),
      streams: z.int().positive().default(defaultStreamLimits.inAll),
      refusedCredentials: z.int().positive().default(FAILURES_PER_MINUTE),
    })
    .prefault({}),
  warmBrowserMachines: z.int().min(0).max(64).default(defaultSettings.warmPool.count),
  connectionsPerAddress: z.int().min(1).default(CONNECTIONS_PER_ADDRESS),
  connections: z
    .int()
    .min(1)
    .default(() => defaultConnections()),
  port: z.int().min(0).max(65_535).default(4000),
  host: z.string().min(1).default('127.0.0.1'),
  publicUrl: publicUrlSchema.optional(),
  auth: z.strictObject({ signIn: signInSettingsSchema }).optional(),
  connectLinks: connectLinkSettingsSchema.optional(),
  allowedOrigins: z.array(originSchema).max(100).default([]),
  trustProxy: z
    .array(z.string().refine(isAddressRange, 'must be an IP address, or a network such as 10.0.0.0/8'), {
      error: 'must be a list of addresses and networks: to trust everybody lets every client choose its address',
    })
    .default([]),
  userUrl: functionSchema<(href: string) => string>().optional(),
});

/** A configuration with every default filled in. */
export type CheckedConfig = Readonly<z.output<typeof configSchema>>;
