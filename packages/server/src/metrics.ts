import type { Plugin } from '@sallyport/core';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** Prometheus metrics, fed by the `event` hook like any plugin's would be. Labels never hold a person's id. */
export interface Metrics {
  readonly plugin: Plugin;
  readonly contentType: string;
  /** Where the number of browser machines that are ready is read from. */
  watchWarmMachines(count: () => number): void;
  print(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
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
    help: 'Connections to hosts that are not allowed.',
    registers,
  });
  const machines = new Gauge({
    name: 'sallyport_machines_running',
    help: 'Machines that run, by role.',
    labelNames: ['role'],
    registers,
  });
  const warmMachines = new Gauge({
    name: 'sallyport_browser_machines_ready',
    help: 'Browser machines that run and belong to nobody yet.',
    registers,
  });
  let countWarmMachines = (): number => 0;
  const running = new Map<string, string>();

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
            refused.inc();
            break;
          case 'machine.state':
            if (event.state === 'running') running.set(event.machineId, event.role);
            else running.delete(event.machineId);
            for (const role of ['browser', 'cli'])
              machines.set({ role }, [...running.values()].filter((candidate) => candidate === role).length);
            break;
          default:
            break;
        }
      });
    },
  };
  return {
    plugin,
    contentType: registry.contentType,
    watchWarmMachines: (count) => {
      countWarmMachines = count;
    },
    print: () => {
      warmMachines.set(countWarmMachines());
      return registry.metrics();
    },
  };
}
