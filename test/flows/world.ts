import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';

import { createSallyport, SallyportError, Secret } from '@sallyport/core';
import { createLocalKeyRing } from '@sallyport/core/key-ring';
import { loginEventSchema, promptEventSchema } from '@sallyport/core/protocol';
import { createMemoryStore } from '@sallyport/core/store';
import type {
  DomainEvent,
  EpochMemory,
  Plugin,
  PromptEvent,
  ProviderPolicy,
  ReadDiskSpace,
  Sallyport,
  LoginEvent,
  Settings,
  StartPrompt,
} from '@sallyport/core';
import type { CallbackPortRequest, DriverFeatures } from '@sallyport/core/driver';
import type { EgressOptions, EgressRoute, NetworkPlan, RefusalReason } from '@sallyport/core/egress';
import type { RollbackGuard } from '@sallyport/core/key-ring';
import type { PromptParser, Provider, ProviderManifest, Question, RefreshCommand } from '@sallyport/core/provider';
import type { JournalEntry, SessionRecord, Store } from '@sallyport/core/store';
import { createFakeDriver, createFakeProvider, createVirtualClock } from '@sallyport/testkit';
import type { FakeDriver, VirtualClock } from '@sallyport/testkit';

export const userId = '00000000-0000-4000-8000-000000000001';
export const signInUrl =
  'https://login.fake.test/authorize?response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A18123%2Fcallback&state=s';
const callbackPort = 18_123;

/** Searched for in everything that is shown or stored. */
export const canary = 'canary-token-1f0c';

/** A complete credential of the fake provider. The later, the newer. */
export function credential(issuedAt: number): { readonly auth: string } {
  return { auth: JSON.stringify({ token: `${canary}-${issuedAt}`, account: 'ada', issuedAt }) };
}

export interface WorldOptions {
  readonly features?: Partial<DriverFeatures>;
  readonly plugins?: readonly Plugin[];
  readonly settings?: Partial<Settings>;
  readonly store?: Store;
  readonly fake?: FakeDriver;
  readonly host?: string;
  readonly epochMemory?: EpochMemory;
  readonly onSuperseded?: (error: SallyportError) => void;
  /** How full the disk is. Default: nobody knows. */
  readonly readDiskSpace?: ReadDiskSpace;
  /** Default: always 0, so that nothing is late by chance. */
  readonly random?: () => number;
  /** Whether the egress has a port for each user. Default: it has none. */
  readonly needsProxyPort?: boolean;
  readonly policy?: ProviderPolicy;
  /** Providers whose CLI is on the host already. Default: none. */
  readonly installed?: readonly string[];
  readonly rollbackGuard?: RollbackGuard;
  /** How the fake CLI refreshes its login. Default: it has no command for it. */
  readonly refresh?: RefreshCommand;
  /** How the fake CLI logs out. Default: it has a command for it that does not say whether its vendor was reached. */
  readonly logout?: ProviderManifest['commands']['logout'];
  /** The fake CLI takes any free port for its callback, and only its link says which. Default: always the same. */
  readonly freePort?: boolean;
  /** What the CLI asks in its login by browser. Default: nothing. */
  readonly question?: Question;
  /** Which of two credentials is newer, by their facts. Default: the fake provider does not say. */
  readonly supersedes?: Provider['supersedes'];
  /** Providers beside the fake ones. */
  readonly more?: readonly Provider[];
  /** How the fake CLI's prompts are read. Default: as the fake provider reads them. */
  readonly parse?: PromptParser;
}

/** The whole application on fakes: nothing in it touches a process, a file, a port or real time. */
export interface World {
  readonly app: Sallyport;
  readonly fake: FakeDriver;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly events: readonly DomainEvent[];
  /** Failures that were only reported. */
  readonly reported: readonly string[];
  readonly routes: { readonly opened: readonly NetworkPlan[]; readonly open: number };
  readonly ports: FakePorts;
  /** The next opening of an egress route fails with this. */
  failEgress(error: unknown): void;
  /** A machine asks its egress for a host that is not allowed. */
  refuse(machineId: string, host: string, reason?: RefusalReason, problem?: string): void;
  /** Everything that must be true when nothing runs. */
  leftovers(): Promise<readonly string[]>;
}

interface FakePorts {
  readonly requests: readonly CallbackPortRequest[];
  held: number;
  /** While set, the ports are taken; resolves when they are free. */
  busyUntil: Promise<void> | undefined;
}

export function createWorld(options: WorldOptions = {}): World {
  const clock = createVirtualClock();
  const fake = options.fake ?? createFakeDriver(options.features);
  const store = options.store ?? createMemoryStore({ clock });
  const events: DomainEvent[] = [];
  const reported: string[] = [];
  const opened: NetworkPlan[] = [];
  const requests: CallbackPortRequest[] = [];
  const ports: FakePorts = { requests, held: 0, busyUntil: undefined };
  let open = 0;
  let egressFailure: unknown;
  const refusers = new Map<string, NonNullable<EgressOptions['onRefused']>>();
  const listener: Plugin = {
    name: 'listener',
    apply: ({ hooks }) => hooks.event.tap('listener', (event) => void events.push(event)),
  };
  function reserveRoute() {
    open += 1;
    let closed = false;
    const route: EgressRoute = {
      socketPath: '/egress.sock',
      close: async () => {
        if (!closed) open -= 1;
        closed = true;
      },
    };
    const assign = async (plan: NetworkPlan, assigned: EgressOptions): Promise<EgressRoute> => {
      if (egressFailure !== undefined) {
        const failure = egressFailure;
        egressFailure = undefined;
        await route.close();
        throw failure;
      }
      opened.push(plan);
      refusers.set(plan.machineId, (...refusal) => assigned.onRefused?.(...refusal));
      return route;
    };
    return { ...route, assign };
  }

  const app = createSallyport({
    providers: [
      {
        ...withCommands(
          withQuestion(createFakeProvider(options.freePort ? {} : { port: callbackPort }), options.question),
          {
            ...(options.refresh && { refresh: options.refresh }),
            ...('logout' in options && { logout: options.logout }),
          },
        ),
        ...(options.parse && { parse: options.parse }),
        ...(options.supersedes && { supersedes: options.supersedes }),
      },
      otherProvider(),
      ...(options.more ?? []),
    ],
    driver: fake.driver,
    connectAgent: fake.connectAgent,
    store,
    clock,
    random: options.random ?? (() => 0),
    keyRing: createLocalKeyRing({ keys: { k: new Secret(masterKey) }, current: 'k' }),
    agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/node' },
    installCli: async (manifest, install) => {
      install.signal.throwIfAborted();
      install.onProgress('Fetching the CLI.', 0);
      install.onProgress('Fetched the CLI.', 1);
      return `/clis/${manifest.id}`;
    },
    findCli: async ({ id }) => (options.installed?.includes(id) ? `/clis/${id}` : undefined),
    egress: {
      name: 'fake',
      ...(options.needsProxyPort !== undefined && { needsProxyPort: options.needsProxyPort }),
      open: async (plan, egressOptions) => {
        const reserved = reserveRoute();
        return reserved.assign(plan, egressOptions);
      },
      reserve: async () => reserveRoute(),
    },
    callbackPorts: {
      acquire: async (request) => {
        requests.push(request);
        if (ports.busyUntil) {
          request.onWait();
          await Promise.race([ports.busyUntil, rejectOn(request.signal)]);
        }
        ports.held += 1;
        let released = false;
        return {
          occupied: [],
          release: async () => {
            if (!released) ports.held -= 1;
            released = true;
          },
        };
      },
    },
    plugins: [listener, ...(options.plugins ?? [])],
    ...(options.settings && { settings: options.settings }),
    ...(options.readDiskSpace && { readDiskSpace: options.readDiskSpace }),
    ...(options.policy && { policy: options.policy }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.epochMemory && { epochMemory: options.epochMemory }),
    ...(options.onSuperseded && { onSuperseded: options.onSuperseded }),
    ...(options.rollbackGuard && { rollbackGuard: options.rollbackGuard }),
    onBackgroundError: (what, error) =>
      reported.push(`${what}: ${error instanceof Error ? error.message : String(error)}`),
  });

  return {
    app,
    fake,
    clock,
    store,
    events,
    reported,
    ports,
    routes: {
      opened,
      get open() {
        return open;
      },
    },
    failEgress: (error) => {
      egressFailure = error;
    },
    refuse: (machineId, host, reason = 'not-allowed', problem) => refusers.get(machineId)?.(host, reason, problem),
    leftovers: async () => {
      const rows = await store.machines.list();
      return [
        ...fake.machines.filter(({ running }) => running).map(({ machine }) => `${machine.id} runs`),
        ...fake.machines
          .filter(({ plan, destroyed }) => plan.role === 'browser' && !destroyed)
          .map(({ machine }) => `${machine.id} exists`),
        ...rows
          .filter(({ role, state }) => role === 'browser' && state !== 'destroyed')
          .map((row) => `${row.machineId} is ${row.state}`),
        ...(open === 0 ? [] : [`${open} egress routes are open`]),
        ...(ports.held === 0 ? [] : [`${ports.held} port leases are held`]),
      ];
    },
  };
}

/** Lets everything that can happen without time happen, until the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await condition()) return;
    await setImmediate();
  }
  throw new Error(`It did not come true: ${what}`);
}

/** Many turns of the event loop: whatever can happen without time has happened. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
}

/** The journal of a login, to its end. */
export async function journalOf(world: World, sessionId: string): Promise<readonly LoginEvent[]> {
  return eventsIn(loginEventSchema, world.app.logins.events(sessionId, 0, AbortSignal.timeout(60_000)));
}

/** The journal of a prompt, to its end. */
export async function promptEvents({ app }: World, promptId: string): Promise<readonly PromptEvent[]> {
  return eventsIn(promptEventSchema, app.prompts.events(promptId, 0, AbortSignal.timeout(60_000)));
}

/** Checked against the public schema: nothing is missing, and nothing is sent that the schema does not tell of. */
async function eventsIn<Event>(
  schema: { parse(event: unknown): Event },
  journal: AsyncIterable<JournalEntry<Event>>,
): Promise<readonly Event[]> {
  const events: Event[] = [];
  for await (const { event } of journal) {
    assert.deepEqual(event, schema.parse(event));
    events.push(event);
  }
  return events;
}

/** Sends a prompt, and returns all that is told of it. */
export async function runPrompt(world: World, prompt: Partial<StartPrompt> = {}): Promise<readonly PromptEvent[]> {
  const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello', ...prompt });
  return promptEvents(world, promptId);
}

/** How a prompt came to its end. */
export function outcomeOf(events: readonly PromptEvent[]): string | undefined {
  return events.flatMap((event) => (event.type === 'prompt-end' ? event.outcome : [])).at(-1);
}

export function phasesOf(events: readonly LoginEvent[]): readonly string[] {
  return events.filter(({ type }) => type === 'phase' || type === 'done').map(({ phase }) => phase);
}

export function startLogin(world: World, method?: string): Promise<SessionRecord> {
  return world.app.logins.start({ userId, externalId: null, provider: 'fake', method });
}

/** Until the agent of a browser machine has been told to start this login. */
export async function agentOf(world: World, sessionId: string) {
  const agent = () =>
    world.fake.machines.find(
      (each) => each.running && each.plan.role === 'browser' && each.agent.sessionId === sessionId,
    )?.agent;
  await until(() => agent() !== undefined, 'the agent starts the login');
  const found = agent();
  if (!found) throw new Error('The login machine is gone.');
  return found;
}

/** The session when it has ended. */
export async function ended(world: World, sessionId: string): Promise<SessionRecord> {
  await until(() => world.app.logins.live(sessionId) === undefined, 'the login ends');
  return world.app.logins.get(sessionId);
}

/** Connects a provider with a login from elsewhere. */
export async function connect(world: World, issuedAt = 1, provider = 'fake'): Promise<void> {
  await world.app.credentials.import({ userId, externalId: null, provider, files: credential(issuedAt) });
}

function withQuestion(provider: Provider, question: Question | undefined): Provider {
  if (!question) return provider;
  const asking = { id: question.id, when: { text: question.label }, do: { kind: 'ask', prompt: question } } as const;
  const { manifest } = provider;
  const logins = manifest.logins.map((method) => {
    const { drive } = method;
    if (drive.kind !== 'terminal') return method;
    return Object.assign({}, method, { drive: { ...drive, steps: [...drive.steps, asking] } });
  });
  return { ...provider, manifest: { ...manifest, logins } };
}

function withCommands(provider: Provider, commands: ProviderManifest['commands']): Provider {
  const { manifest } = provider;
  return { ...provider, manifest: { ...manifest, commands: { ...manifest.commands, ...commands } } };
}

/** A second provider, `other`, whose files lie elsewhere. */
function otherProvider(): Provider {
  const provider = createFakeProvider();
  const paths = { browser: '~/.other/auth.json', cli: '~/.other/auth.json' };
  const credentials = provider.manifest.credentials.map((item) => (item.as === 'file' ? { ...item, paths } : item));
  return { ...provider, manifest: { ...provider.manifest, id: 'other', aliases: [], credentials } };
}

export function storeAway(): SallyportError {
  return new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.');
}

const masterKey = new Uint8Array(Buffer.from('8Jt0zq2mQ5sYx1bVnE7cLr4uWd9hKfGaTpM3oRiZvXk=', 'base64'));

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Lies in each provider's home beside its credential; see `disk-nonce.ts` in core. */
export const noncePath = '~/.sallyport-lease';

/** What was written to the disk of a fake machine: the paths of each injection, in order. */
export function injections(machine: FakeDriver['machines'][number]): readonly string[] {
  return machine.log.flatMap((step) => (step.startsWith('inject ') ? [step.slice('inject '.length)] : []));
}
