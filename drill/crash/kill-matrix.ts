import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { Client } from 'pg';

import { createCanarySearch } from '../../e2e/support/canary-search.ts';
import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { plantFakeCli, startDrillServer } from './drill-server.ts';
import type { DrillServer } from './drill-server.ts';
import { readHostState, serverFiles } from './host-state.ts';
import type { HostState } from './host-state.ts';
import { findDisorder } from './invariants.ts';
import { createKillSwitch } from './kill-switch.ts';
import type { Blow, Target } from './kill-switch.ts';
import { startPostgresProxy } from './postgres-proxy.ts';
import { goOn } from './scenarios.ts';
import type { DrillUser, Scenario } from './scenarios.ts';
import { startStepServer } from './step-server.ts';

/** What is done to a server at a step: it is killed, or every connection to its database breaks. */
export type Fault = 'kill' | 'cut';

/** What came of one fault. */
export interface FaultResult {
  readonly scenario: string;
  readonly fault: Fault;
  readonly target: Target;
  /** False where the server did not come to the step this time: how much a journal is written at once depends on timing. */
  readonly wasReached: boolean;
  /** What was not in order afterwards. Empty: all was. */
  readonly disorder: readonly string[];
}

/** One host and its database, on which servers are killed one after the other. */
export interface KillMatrix {
  /** The steps of a scenario, from a run in which nothing is killed. */
  steps(scenario: Scenario): Promise<readonly Target[]>;
  kill(scenario: Scenario, target: Target): Promise<FaultResult>;
  /** Breaks every connection to the database at the step. The server goes on, and so does the user. */
  cut(scenario: Scenario, target: Target): Promise<FaultResult>;
  close(): Promise<void>;
}

export async function openKillMatrix(): Promise<KillMatrix> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-drill-')));
  const dataDirectory = join(folder, 'data');
  await mkdir(dataDirectory, { mode: 0o711 });
  await plantFakeCli(dataDirectory);
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'database'), durable: false });
  const database = new Client(postgres.connection);
  await database.connect();
  const killSwitch = createKillSwitch();
  const onStep = (step: string): Promise<void> => killSwitch.reach(step);
  const proxy = await startPostgresProxy({ socketDirectory: postgres.connection.host, onStep });
  const stepServer = await startStepServer(onStep);
  const secrets = createCanarySearch();
  /** What an earlier kill left is its own failure, not that of those after it. */
  const known = new Set<string>();
  let users = 0;
  let server: DrillServer | undefined;

  const start = (): Promise<DrillServer> =>
    startDrillServer({ dataDirectory, databaseUrl: proxy.url, stepsUrl: stepServer.url });

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

  /** Acts until the scenario is over, or a server that was struck is dead. */
  async function run(scenario: Scenario, fault: Fault, target?: Target) {
    server ??= await start();
    const struck = server;
    const user = newUser();
    await scenario.prepare(user);
    const blow: Blow =
      fault === 'kill' ? { isDeadly: true, fall: () => struck.kill() } : { isDeadly: false, fall: () => proxy.cut() };
    killSwitch.arm(blow, target);
    const acting = scenario.act(user, struck);
    // What the user sees of a server that is killed is a broken connection.
    acting.catch(() => undefined);
    await (fault === 'kill' ? Promise.race([acting, killSwitch.struck]) : acting.catch(() => undefined));
    const outcome = killSwitch.disarm();
    if (fault === 'kill' && outcome.wasStruck) await struck.ended;
    return { user, ...outcome };
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
      await goOn(user);
      return [];
    } catch (error) {
      return [`the user cannot go on: ${String(error)}`];
    }
  }

  return {
    steps: async (scenario) => {
      const { steps } = await run(scenario, 'kill');
      await server?.stop().catch(() => undefined);
      server = undefined;
      return steps.map((step, place) => ({
        step,
        nth: steps.slice(0, place + 1).filter((each) => each === step).length,
      }));
    },
    kill: async (scenario, target) => {
      const { user, wasStruck } = await run(scenario, 'kill', target);
      if (!wasStruck) await server?.stop().catch(() => undefined);
      server = undefined;
      const disorder = [...(await look())];
      server = await start();
      disorder.push(...(await goingOn(user)));
      return { scenario: scenario.name, fault: 'kill', target, wasReached: wasStruck, disorder };
    },
    cut: async (scenario, target) => {
      const { user, wasStruck } = await run(scenario, 'cut', target);
      const disorder: string[] = [];
      if (server?.hasEnded()) {
        if (scenario.endsServer !== true) disorder.push(`the server ended:\n${server.output()}`);
        server = await start();
      }
      disorder.push(...(await goingOn(user)));
      await server?.stop().catch((error: unknown) => disorder.push(String(error)));
      server = undefined;
      disorder.push(...(await look()));
      return { scenario: scenario.name, fault: 'cut', target, wasReached: wasStruck, disorder };
    },
    close: async () => {
      await server?.stop().catch(() => undefined);
      await proxy.close();
      await stepServer.close();
      await database.end();
      await postgres.stop();
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
