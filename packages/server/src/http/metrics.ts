import type { Clock, DomainEvent, HostLoad, Plugin } from '@sallyport/core';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

import { createDurations } from './durations.ts';
import type { Durations } from './durations.ts';

type MachineStateEvent = Extract<DomainEvent, { type: 'machine.state' }>;

/** Prometheus metrics, fed by the `event` hook like any plugin's would be. Labels never hold a user's id. */
export interface Metrics {
  readonly plugins: readonly Plugin[];
  /** Notes how long an answer took. */
  readonly request: Durations['request'];
  readonly contentType: string;
  /** Where the number of browser machines that are ready is read from. */
  watchWarmMachines(count: () => number): void;
  /** Where it is read from what this host does for machines. */
  watchHost(look: () => Promise<HostLoad & { readonly hibernated: number }>): void;
  print(): Promise<string>;
}

export function createMetrics(clock: Pick<Clock, 'now'>): Metrics {
  const registry = new Registry();
  const durations = createDurations(registry, () => clock.now());
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const logins = new Counter({
    name: 'sallyport_logins_total',
    help: 'Login sessions by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const credentials = new Counter({
    name: 'sallyport_credential_versions_total',
    help: 'Stored credential versions by provider and reason.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const prompts = new Counter({
    name: 'sallyport_prompts_total',
    help: 'Ended prompts by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    registers,
  });
  const refused = new Counter({
    name: 'sallyport_egress_refused_total',
    help: 'Connections that machines were refused, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const machines = new Gauge({
    name: 'sallyport_machines_running',
    help: 'Machines that run, by role.',
    labelNames: ['role'],
    registers,
  });
  const warmPool = new Gauge({
    name: 'sallyport_browser_machines_ready',
    help: 'Browser machines that run and belong to nobody yet.',
    registers,
  });
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `sallyport_${name}`, help, registers });
  const waiting = gauge('machines_waiting', 'Machines that wait for their turn to be started.');
  const underWay = gauge('machines_under_way', 'Machines that are being started or ended.');
  const hibernated = gauge('machines_hibernated', 'Machines of this host that hibernate.');
  const reserved = gauge('memory_reserved_bytes', 'Memory reserved for machines that run.');
  const limit = gauge('memory_limit_bytes', 'Memory that machines may take of this host.');
  let lookAtHost: (() => Promise<HostLoad & { readonly hibernated: number }>) | undefined;
  let countWarmMachines = (): number => 0;
  const running = new Set<string>();

  for (const role of ['browser', 'cli']) machines.set({ role }, 0);

  function countRunning({ machineId, role, state }: MachineStateEvent): void {
    if (state !== 'running') {
      if (running.delete(machineId)) machines.dec({ role });
    } else if (!running.has(machineId)) {
      running.add(machineId);
      machines.inc({ role });
    }
  }

  const plugin: Plugin = {
    name: 'sallyport.metrics',
    apply: ({ hooks }) => {
      hooks.event.tap('sallyport.metrics', (event) => {
        switch (event.type) {
          case 'login.completed':
            logins.inc({ provider: event.provider, outcome: 'completed' });
            break;
          case 'login.cancelled':
            logins.inc({ provider: event.provider, outcome: 'cancelled' });
            break;
          case 'login.failed':
            logins.inc({ provider: event.provider, outcome: event.code });
            break;
          case 'credential.stored':
            credentials.inc({ provider: event.provider, reason: event.reason });
            break;
          case 'prompt.ended':
            prompts.inc({ provider: event.provider, outcome: event.outcome });
            break;
          case 'egress.refused':
            refused.inc({ reason: event.reason }, event.count ?? 1);
            break;
          case 'machine.state':
            countRunning(event);
            break;
          default:
            break;
        }
      });
    },
  };
  return {
    plugins: [plugin, durations.plugin],
    request: durations.request,
    contentType: registry.contentType,
    watchWarmMachines: (count) => {
      countWarmMachines = count;
    },
    watchHost: (look) => {
      lookAtHost = look;
    },
    print: async () => {
      warmPool.set(countWarmMachines());
      const host = await lookAtHost?.();
      if (host) {
        waiting.set(host.waiting);
        underWay.set(host.underWay);
        hibernated.set(host.hibernated);
        reserved.set(host.reserved.memoryMb * 2 ** 20);
        limit.set(host.limits.memoryMb * 2 ** 20);
      }
      return registry.metrics();
    },
  };
}
