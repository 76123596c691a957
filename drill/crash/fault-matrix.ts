import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { orAborted } from '@sallyport/core/driver';
import { Client } from 'pg';

import { createCanarySearch } from '../../e2e/support/canary-search.ts';
import { HANG_LIMIT_MS } from '../../e2e/support/hang-limit.ts';
import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { plantFakeCli, startDrillServer } from './drill-server.ts';
import type { DrillServer } from './drill-server.ts';
import { readHostState, serverFiles } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { findDisorder } from './invariants.ts';
import type { Fault } from './faults.ts';
import { createFaultSwitch } from './fault-switch.ts';
import type { Target } from './fault-switch.ts';
import { startPostgresProxy } from './postgres-proxy.ts';
import { goOn } from './scenarios.ts';
import type { DrillUser, Scenario } from './scenarios.ts';
import { mountSmallDisk } from './small-disk.ts';
import { startStepServer } from './step-server.ts';
import { createWallClock } from './wall-clock.ts';

/** What came of one fault. */
export interface FaultResult {
  readonly scenario: string;
  readonly fault: string;
  readonly target: Target;
  /** False where the server did not come to the step this time: how much a journal is written at once depends on timing. */
  readonly wasReached: boolean;
  /** What failed for the user because of it; `undefined` if all they did went well. */
  readonly seen: string | undefined;
  /** What was not in order afterwards. Empty: all was. */
  readonly disorder: readonly string[];
}

/** One host and its database, on whose servers faults fall one after the other. */
export interface FaultMatrix {
  /** The steps of a scenario at which a fault falls, from a run without one. */
  steps(scenario: Scenario, fault: Fault): Promise<readonly Target[]>;
  /** Two servers in a row put the host in order after it, and the user goes on. */
  strike(scenario: Scenario, fault: Fault, target: Target): Promise<FaultResult>;
  close(): Promise<void>;
}

export async function openFaultMatrix(): Promise<FaultMatrix> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-drill-')));
  const dataDirectory = join(folder, 'data');
  const disk = await mountSmallDisk(dataDirectory);
  const clock = createWallClock(folder);
  await plantFakeCli(dataDirectory);
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'database'), durable: false });
  const database = new Client(postgres.connection);
  await database.connect();
  const faultSwitch = createFaultSwitch();
  const onStep = (step: string): Promise<void> => faultSwitch.reach(step);
  const proxy = await startPostgresProxy({ socketDirectory: postgres.connection.host, onStep });
  const stepServer = await startStepServer(onStep);
  const secrets = createCanarySearch();
  /** What an earlier kill left is its own failure, not that of those after it. */
  const known = new Set<string>();
  let users = 0;
  let server: DrillServer | undefined;

  const start = (): Promise<DrillServer> =>
    startDrillServer({ dataDirectory, databaseUrl: proxy.url, stepsUrl: stepServer.url, clock });

  function newUser(): DrillUser {
    users += 1;
    const name = `user-${users}`;
    return userOf(name);
  }

  const userOf = (userId: string): DrillUser => ({
    userId,
    // Of the server that runs now.
    get api() {
      if (!server) throw new Error('No server runs.');
      return server.api;
    },
    onSecret: (value) => secrets.add(`a code of ${userId}`, value),
  });

  /** Starts a server, which puts the host in order, and stops it again. */
  async function putInOrder(): Promise<HostState> {
    const repairing = await start();
    await repairing.stop();
    return readHostState(database, dataDirectory);
  }

  async function findSecrets(state: HostState): Promise<readonly string[]> {
    const files = await serverFiles(dataDirectory);
    const places: [string, string | Uint8Array][] = [['the database', JSON.stringify(state.tables)]];
    for (const path of files) places.push([relative(dataDirectory, path), await readFile(path)]);
    return places.flatMap(([where, content]) => secrets.in(where, content)).map((find) => JSON.stringify(find));
  }

  /** Acts until the scenario is over, or a server that was killed is gone. */
  async function run(scenario: Scenario, fault: Fault | undefined, target?: Target) {
    server ??= await start();
    const struck = server;
    const user = newUser();
    await scenario.prepare(user);
    const host = { database: proxy, disk, clock, killServer: () => struck.kill() };
    const isDeadly = fault?.isDeadly ?? false;
    faultSwitch.arm({ isDeadly, fall: () => fault?.fall(host) }, target);
    const disorder: string[] = [];
    let seen: string | undefined;
    const limit = AbortSignal.timeout(HANG_LIMIT_MS);
    const acted = orAborted(limit, scenario.act(user, struck)).catch((error: unknown) => {
      // The user sees of a fault that something failed.
      if (!fault) throw error;
      seen = String(error);
      if (limit.aborted) disorder.push(`what the user did has not ended:\n${struck.output()}`);
    });
    await (isDeadly ? Promise.race([acted, faultSwitch.struck]) : acted);
    const outcome = faultSwitch.disarm();
    fault?.mend?.(host);
    if (isDeadly && outcome.wasStruck) await struck.ended;
    return { user, disorder, seen, ...outcome };
  }

  /** Looks at what a fault has left, once with the first server after it and once with the second. */
  async function look(): Promise<readonly string[]> {
    const first = await putInOrder();
    const second = await putInOrder();
    const found = [...findDisorder(first), ...(await findSecrets(first))];
    const disorder = found.filter((each) => !known.has(each));
    for (const each of found) known.add(each);
    if (!isDeepStrictEqual(first, second)) disorder.push(`the next start changed more: ${difference(first, second)}`);
    return disorder;
  }

  async function goingOn(user: DrillUser): Promise<readonly string[]> {
    try {
      await orAborted(AbortSignal.timeout(HANG_LIMIT_MS), goOn(user));
      return [];
    } catch (error) {
      return [`the user cannot go on: ${String(error)}`];
    }
  }

  return {
    steps: async (scenario, { fallsAfter }) => {
      const { steps } = await run(scenario, undefined);
      await server?.stop().catch(() => undefined);
      server = undefined;
      return steps
        .map((step, place) => ({ step, nth: steps.slice(0, place + 1).filter((each) => each === step).length }))
        .filter(({ step }) => fallsAfter || step.startsWith('before '));
    },
    strike: async (scenario, fault, target) => {
      const { user, wasStruck, disorder, seen } = await run(scenario, fault, target);
      if (!fault.isDeadly) {
        if (server?.hasEnded()) {
          if (scenario.endsServer !== true) disorder.push(`the server ended:\n${server.output()}`);
          server = await start();
        }
        disorder.push(...(await goingOn(user)));
      }
      const wasKilled = fault.isDeadly && wasStruck;
      if (!wasKilled) await server?.stop().catch((error: unknown) => disorder.push(String(error)));
      server = undefined;
      clock.putRight();
      disorder.push(...(await look()));
      if (fault.isDeadly) {
        server = await start();
        disorder.push(...(await goingOn(user)));
      }
      return { scenario: scenario.name, fault: fault.name, target, wasReached: wasStruck, seen, disorder };
    },
    close: async () => {
      await server?.stop().catch(() => undefined);
      await proxy.close();
      await stepServer.close();
      await database.end();
      await postgres.stop();
      disk.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function difference(before: HostState, after: HostState): string {
  const rows = (state: HostState): readonly string[] => [
    ...Object.entries(state.tables).flatMap(([table, all]) => all.map((row) => `${table} ${JSON.stringify(row)}`)),
    ...Object.entries({ ...state, tables: undefined }).map(([part, value]) => `${part} ${JSON.stringify(value)}`),
  ];
  const [old, now] = [rows(before), rows(after)];
  const lost = old.filter((row) => !now.includes(row)).map((row) => `- ${row}`);
  return [...lost, ...now.filter((row) => !old.includes(row)).map((row) => `+ ${row}`)].join('\n');
}
