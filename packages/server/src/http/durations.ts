import type { DomainEvent, Plugin } from '@sallyport/core';
import { Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** How long things took, in seconds, as histograms of Prometheus. */
export interface Durations {
  readonly plugin: Plugin;
  /** `route` as it was registered, never the path that was asked for. */
  readonly request: (answered: AnsweredRequest) => void;
}

interface AnsweredRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
}

/** `now` is the time that events carry: milliseconds since the epoch. */
export function createDurations(registry: Registry, now: () => number): Durations {
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ): Histogram<Label> => new Histogram({ name: `sallyport_${name}`, help, labelNames, buckets, registers: [registry] });
  const logins = histogram('login_seconds', 'Logins, start to end.', ['provider', 'outcome'], minutes);
  const firstTokens = histogram(
    'prompt_first_token_seconds',
    'Prompts, from their start to the first text or reasoning.',
    ['provider'],
    seconds,
  );
  const machines = histogram('machine_start_seconds', 'Machines, from their turn on.', ['role', 'start'], seconds);
  const requests = histogram(
    'http_request_seconds',
    'HTTP requests, streams to their end, by registered route and class of the status.',
    ['method', 'route', 'status'],
    requestBuckets,
  );
  const begun = new Map<string, number>();

  function observeLogin(event: Extract<DomainEvent, { sessionId: string; provider: string }>, outcome: string): void {
    const { sessionId, provider, at } = event;
    const since = begun.get(sessionId);
    begun.delete(sessionId);
    if (since !== undefined) logins.observe({ provider, outcome }, (at - since) / 1000);
  }

  function note(event: DomainEvent): void {
    switch (event.type) {
      case 'login.started':
        begun.set(event.sessionId, event.at);
        break;
      case 'login.completed':
      case 'login.held':
      case 'login.cancelled':
        observeLogin(event, event.type.slice('login.'.length));
        break;
      case 'login.failed':
        observeLogin(event, event.code);
        break;
      case 'prompt.started':
        begun.set(event.promptId, event.at);
        break;
      case 'prompt.ended':
        begun.delete(event.promptId);
        break;
      case 'machine.state':
        if (event.started) machines.observe({ role: event.role, start: event.started.how }, event.started.ms / 1000);
        break;
      default:
        break;
    }
  }

  function noteFirstToken(promptId: string, provider: string): void {
    const since = begun.get(promptId);
    if (since === undefined) return;
    begun.delete(promptId);
    firstTokens.observe({ provider }, (now() - since) / 1000);
  }

  return {
    plugin: {
      name: 'sallyport.durations',
      apply: ({ hooks }) => {
        hooks.event.tap('sallyport.durations', note);
        hooks['prompt.event'].tap('sallyport.durations', ({ type }, { promptId, provider }) => {
          if (type === 'text' || type === 'reasoning') noteFirstToken(promptId, provider);
        });
      },
    },
    request: ({ method, route, status, ms }) =>
      requests.observe({ method, route, status: `${Math.floor(status / 100)}xx` }, ms / 1000),
  };
}

/** Few, since there is a histogram for each route and class of status. */
const requestBuckets = [0.01, 0.05, 0.25, 1, 5, 30];
const seconds = [0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300];
const minutes = [1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900];
