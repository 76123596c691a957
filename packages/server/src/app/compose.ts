import { createSallyport, defaultSettings, systemClock } from '@sallyport/core';
import type { Clock, Sallyport, SallyportError } from '@sallyport/core';
import type { FastifyBaseLogger } from 'fastify';

import type { Authentication } from '../auth/identify.ts';
import { createSignInServices } from '../auth/sign-in-services.ts';
import { chooseDriver } from '../config/choose-driver.ts';
import { checkEgress } from './check-egress.ts';
import { logEnds } from './log-ends.ts';
import type { OperatorLog } from './operator-log.ts';
import type { EgressCheck } from './check-egress.ts';
import { chooseEgress } from '../config/choose-egress.ts';
import type { FactoryContext } from '../config/config.ts';
import type { DatabaseChoice } from '../stores/database-choice.ts';
import { openDataDirectory } from '../data-directory/data-directory.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { diskSettings } from '../host/disk-space.ts';
import { openHostParts } from '../presets/host-parts.ts';
import { openKeptState } from '../presets/kept-state.ts';
import { createMetrics } from '../http/metrics.ts';
import type { Metrics } from '../http/metrics.ts';
import { openStore } from '../stores/open-store.ts';

export interface Composition {
  readonly config: LoadedConfig;
  readonly dataDirectory: string;
  readonly database: DatabaseChoice;
  readonly log: FastifyBaseLogger;
  /** A sentence for the operator. */
  readonly say: OperatorLog['say'];
  /** Another server has claimed this one's rows: it must stop. */
  readonly onSuperseded: (error: SallyportError) => void;
}

export interface ComposedServer {
  readonly sallyport: Sallyport;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** `undefined`: nobody is asked who they are. */
  readonly authentication: Authentication | undefined;
  /** Takes everything down, last first. */
  close(): Promise<void>;
}

/** The composition root: chooses an implementation for every contract and wires them into one application. */
export async function composeServer(options: Composition): Promise<ComposedServer> {
  const { config, log, say } = options;
  const clock = systemClock;
  const undo: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed())
      await step().catch((error: unknown) => log.error({ err: error }, 'closing'));
  };
  try {
    const data = await openDataDirectory(options.dataDirectory);
    undo.push(() => data.release());
    const context: FactoryContext = { dataDirectory: data.path, clock, log: (message) => log.info(message) };

    const store = await openStore(options.database, context);
    undo.push(() => store.close());
    const kept = await openKeptState({
      dataDirectory: data.path,
      store,
      clock,
      onKeyProblem: (error) => log.warn({ err: error }, 'reading the master keys'),
    });
    if (kept.notice !== undefined) say(kept.notice, 'warn');

    const parts = await openHostParts({ dataDirectory: data.path, clock, log: say });
    const driver = await chooseDriver(config.driver, context);
    undo.push(async () => driver.close?.());
    say(driver.features.isolation);
    const egress = await chooseEgress(config.egress, context);
    undo.push(async () => egress.close?.());
    say(`Egress of the machines: ${egress.name}`);
    const metrics = createMetrics(clock);
    const sallyport = createSallyport({
      providers: config.providers,
      plugins: [...metrics.plugins, logEnds(log), ...config.plugins],
      driver,
      store,
      egress,
      ...kept.options,
      ...parts,
      clock,
      onSuperseded: options.onSuperseded,
      policy: { deployment: config.deployment, acceptedTerms: config.acceptedTerms },
      settings: {
        prefer: config.logins.prefer,
        idleMs: config.idleMs,
        idleJitter: config.idleJitter,
        historyMs: config.historyDays === 0 ? Infinity : config.historyDays * 24 * 60 * 60_000,
        limits: config.limits,
        queue: {
          ...defaultSettings.queue,
          atOnce: config.capacity.startAtOnce,
          maxWaiting: config.capacity.maxWaiting,
        },
        disk: diskSettings(config.capacity.minFreeDiskPercent),
        capacity: { ...defaultSettings.capacity, memoryMb: config.capacity.memoryMb, vcpus: config.capacity.vcpus },
        warmPool: { ...defaultSettings.warmPool, count: config.warmBrowserMachines },
        keepAlive: { ...defaultSettings.keepAlive, beforeMs: config.keepAliveMinutes * 60_000 },
        signInHosts: config.hosts.signIn,
        workHosts: config.hosts.work,
        ceiling: config.ceiling,
        ...(config.userUrl && { presentUrl: config.userUrl }),
      },
      onBackgroundError: (what, error) => log.warn({ err: error }, what),
    });
    undo.push(() => sallyport.close());
    metrics.watchWarmMachines(() => sallyport.warmPool.ready());
    metrics.watchHost(() => sallyport.machines.host());
    await sallyport.start();
    for (const { manifest } of config.providers) {
      const refusal = sallyport.gate.closed(manifest.id);
      if (refusal) say(`${refusal.message} ${refusal.hint}`, 'warn');
    }
    const asking = new AbortController();
    undo.push(async () => asking.abort());
    const manifests = config.providers.map(({ manifest }) => manifest);
    // Nobody waits for the answer: a proxy service that is down now may be up when the first machine needs it.
    void reportEgress({ egress, manifests, clock, signal: asking.signal }, options);
    const authentication = config.auth && {
      apiKeys: store.apiKeys,
      tokenKeys: kept.tokenKeys,
      users: store.users,
      signInServices: createSignInServices(config.auth.signIn, { clock }),
    };
    if (authentication && (await store.apiKeys.list()).every(({ revokedAt }) => revokedAt !== null))
      say('There is no API key yet. Make one for your backend with `sallyport api-keys create`.', 'warn');
    return { sallyport, metrics, clock, authentication, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function reportEgress(way: EgressCheck, { log, say }: Composition): Promise<void> {
  try {
    const check = await checkEgress(way);
    if (check?.state === 'ok') log.info(check.found);
    else if (check) say(`${check.found} ${check.fix}`, 'warn');
  } catch (error) {
    // Nobody wants to know any more where the server is being stopped.
    if (!way.signal.aborted) log.error({ err: error }, 'asking for the egress');
  }
}
