import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildArgv, buildRpcRun, credentialEnvironment, promptText, settingsFor } from '@sallyport/core/engine';
import { executeEventSchema } from '@sallyport/core/protocol';
import { factsOf } from '@sallyport/core/provider';
import type { ProjectSettings, PromptEvent, ToolPolicy } from '@sallyport/core';
import type { AgentEvent, BootConfig, ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import type { CredentialFiles, Observation, Provider } from '@sallyport/core/provider';
import { createEgressClient, createFakeInternet } from '@sallyport/testkit/vendors';
import type { EgressResponse, FakeInternet, FakeVendor } from '@sallyport/testkit/vendors';

import { hiddenInWork } from '../../packages/core/src/prompts/project-settings.ts';
import { messageRun } from '../../packages/core/src/prompts/resident-run.ts';
import { readEvents, startTestAgent } from '../../packages/agent/src/__fixtures__/test-agent.ts';
import type { TestAgent } from '../../packages/agent/src/__fixtures__/test-agent.ts';
import { ensureCli } from './ensure-cli.ts';
import { HANG_LIMIT_MS } from './hang-limit.ts';
import { poll } from './server.ts';

/** A fake vendor is only worth something if the real CLI takes it for the vendor: this is where the two meet. */
export interface CliWorld extends AsyncDisposable {
  /** Home of the CLI. */
  readonly home: string;
  readonly internet: FakeInternet;
  /** Does what the machine's browser would: a request through the machine's egress. */
  browse(url: string, form?: Readonly<Record<string, string>>): Promise<EgressResponse>;
  /** Starts a login by the real agent. It goes on until it has ended. */
  startLogin(methodId: string): Promise<LoginUnderWay>;
  /** A prompt as a server runs it, understood by the provider's own parser. */
  prompt(question: string, options?: PromptOptions): Promise<Answered>;
  /** Runs the CLI with other arguments, in the same surroundings as a prompt. */
  run(argv: readonly string[]): Promise<RunEnd>;
  /** Runs the manifest's `commands.refresh`. Resolves to the messages, as matchers read them. */
  renew(): Promise<readonly string[]>;
  /** A file below the home. */
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

export interface LoginUnderWay {
  /** Waits for something the agent tells about this login. */
  event<Type extends AgentEvent['type']>(type: Type): Promise<Extract<AgentEvent, { type: Type }>>;
  answer(promptId: string, value: string): Promise<void>;
  /** The relay a server uses: what the sign-in page sends the browser to. */
  callback(url: string): Promise<number>;
  /** How it ended. */
  readonly ended: Promise<LoginEnd>;
}

export interface LoginEnd {
  /** `finished`, or the code of the failure. */
  readonly result: string;
  readonly message: string;
  /** What the terminal showed at the end of a login that failed. */
  readonly screen: string;
  /** The credential: item id → text. */
  readonly files: Readonly<Record<string, string>> | undefined;
}

export interface PromptOptions {
  readonly tools?: ToolPolicy;
  /** Default: `ignore`. */
  readonly projectSettings?: ProjectSettings;
  readonly session?: string | undefined;
  /** Credentials that are not files: by item id, and by variable. */
  readonly values?: CredentialFiles;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `~/work`. */
  readonly workingDirectory?: string;
}

export interface RunEnd {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Answered extends RunEnd {
  readonly conversation: string | undefined;
  readonly answer: string;
  readonly events: readonly PromptEvent[];
  readonly end: PromptEvent | undefined;
}

export interface CliWorldOptions {
  readonly provider: Provider;
  /** By the name their faults have on the control socket. */
  readonly vendors: Readonly<Record<string, FakeVendor<unknown>>>;
  /** Changes to how the agent is started. Default: without bubblewrap, so that `home` is the CLI's own. */
  readonly boot?: Partial<BootConfig>;
}

export async function createCliWorld({ provider, vendors, boot }: CliWorldOptions): Promise<CliWorld> {
  const { manifest } = provider;
  const { directory: cliDirectory } = await ensureCli(manifest);
  const directory = await mkdtemp(join(tmpdir(), 'sp-cli-'));
  const named = Object.entries(vendors);
  const internet = await createFakeInternet({
    directory: join(directory, 'net'),
    sites: Object.assign({}, ...named.map(([, vendor]) => vendor.sites)),
    controls: Object.fromEntries(named.map(([name, vendor]) => [name, vendor.control])),
  });
  const route = await internet.open(
    {
      machineId: 'm-test',
      userId: 'u-test',
      purpose: 'sign-in',
      hosts: [...manifest.egress.cli, ...manifest.egress.signIn],
      identity: { userId: 'u-test' },
    },
    { signal: AbortSignal.timeout(HANG_LIMIT_MS) },
  );
  const agent = await startTestAgent('exit 1', {
    egress: { socket: route.socketPath },
    certificateAuthority: internet.certificateAuthority,
    clis: { [manifest.id]: cliDirectory },
    ...boot,
  });
  const { home } = agent;
  const visit = createEgressClient(route);
  const cli = manifest.cli;

  async function run(
    argv: readonly string[],
    prompt: string,
    options: PromptOptions = {},
    { rpc, messages }: Pick<ExecuteRequest, 'rpc' | 'messages'> = {},
    isOver: (event: ExecuteEvent) => boolean = () => false,
  ): Promise<ExecuteEvent[]> {
    const { values = {}, env, workingDirectory = '~/work', projectSettings = 'ignore' } = options;
    const { credentials } = manifest;
    const shown: ExecuteEvent[] = [];
    const stream = await agent.open('POST', '/execute', {
      runId: randomUUID(),
      provider: manifest.id,
      cli: {
        ...cli,
        settings: settingsFor(cli.settings, credentials, values),
        hiddenInWork: hiddenInWork(manifest, projectSettings),
      },
      argv,
      prompt,
      ...(rpc && { rpc }),
      ...(messages && { messages }),
      env: { ...credentialEnvironment(credentials, values), ...env },
      workingDirectory,
      timeoutMs: HANG_LIMIT_MS,
      maxOutputBytes: 10_000_000,
    });
    for await (const { data } of readEvents(stream)) {
      const event = executeEventSchema.parse(data);
      shown.push(event);
      if (isOver(event)) break;
    }
    return shown;
  }

  return {
    home,
    internet,
    browse: (url, form) =>
      visit(url, {
        ...(form && {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams(form).toString(),
        }),
      }),
    async startLogin(methodId) {
      const method = manifest.logins.find(({ id }) => id === methodId);
      if (!method) throw new Error(`There is no login method ${methodId}.`);
      const sessionId = randomUUID();
      const request = { sessionId, method, cli, credentials: manifest.credentials };
      // Its answer says no more than the events do.
      const answered = agent.post(`/auth/${manifest.id}`, request);
      return followLogin(agent, manifest.id, sessionId, answered);
    },
    async prompt(question, options = {}) {
      const { tools = 'workspace', session, projectSettings } = options;
      const asked = { tools, session, projectSettings };
      const rpc = buildRpcRun(manifest.prompt, asked);
      const events: PromptEvent[] = [];
      const understand = createParser(provider);
      // As a server does, it leaves a CLI that goes on with a login which is refused.
      const isOver = (event: ExecuteEvent): boolean => {
        events.push(...understand(event));
        return events.at(-1)?.type === 'prompt-end';
      };
      const shown = await run(
        buildArgv(manifest.prompt, asked),
        promptText(manifest.prompt, question),
        options,
        { ...(rpc && { rpc }), ...messageRun(manifest, asked) },
        isOver,
      );
      const conversation = events.find((event) => event.type === 'conversation')?.conversationId;
      const answer = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
      return { ...summarise(shown), conversation, answer, events, end: events.at(-1) };
    },
    run: async (argv) => summarise(await run(argv, '')),
    renew: async () => {
      const { refresh } = manifest.commands;
      if (!refresh || !('steps' in refresh)) throw new Error(`${manifest.id} has no talk that refreshes its login.`);
      const { argv, steps, over } = refresh;
      const shown = await run(argv, '', {}, { rpc: { steps, over, values: {} } });
      return shown.flatMap((event) => (event.type === 'rpc' ? [factsOf(event.message).join('\n')] : []));
    },
    read: (path) => readFile(join(home, path), 'utf8'),
    write: (path, text) => writeFile(join(home, path), text),
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await internet.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function followLogin(agent: TestAgent, provider: string, sessionId: string, answered: Promise<unknown>): LoginUnderWay {
  const mine = (): readonly AgentEvent[] =>
    agent.events.filter((event) => 'sessionId' in event && event.sessionId === sessionId);
  const find = <Type extends AgentEvent['type']>(type: Type): Extract<AgentEvent, { type: Type }> | undefined =>
    mine().find((event): event is Extract<AgentEvent, { type: Type }> => event.type === type);
  const failure = (): string => {
    const failed = find('login.failed');
    return failed ? ` It failed: ${failed.code} ${failed.message}\n${failed.screen}` : '';
  };
  const ended = poll('the login to end', async () => {
    const failed = find('login.failed');
    if (failed) return { result: failed.code, message: failed.message, screen: failed.screen, files: undefined };
    if (!find('login.finished')) return undefined;
    const files = mine().findLast((event) => event.type === 'credential.offered')?.files;
    return { result: 'finished', message: '', screen: '', files };
  });
  const settled = ended.then(async (end) => {
    await answered;
    return end;
  });
  // A test that awaits the end sees the failure; one that does not need not handle it.
  for (const promise of [answered, settled]) promise.catch(() => undefined);
  return {
    event: (type) =>
      poll(`${type} of the login`, async () => {
        const found = find(type);
        if (!found && find('login.failed')) throw new Error(`There will be no ${type}.${failure()}`);
        return found;
      }),
    async answer(promptId, value) {
      const { status, body } = await agent.post(`/auth/${provider}/answer`, { sessionId, promptId, value });
      if (status >= 300) throw new Error(`The answer was refused: ${JSON.stringify(body)}`);
    },
    async callback(url) {
      const { search } = new URL(url);
      return (await agent.get(`/auth/callback${search}`)).status;
    },
    ended: settled,
  };
}

function createParser({ parse }: Provider): (event: ExecuteEvent) => readonly PromptEvent[] {
  let state = parse?.initial();
  return (event) => {
    const observation: Observation =
      event.type === 'exit' ? { type: 'exit', code: event.code, signal: event.signal } : event;
    const step = parse?.step(state, observation);
    state = step?.state;
    return step?.events ?? [];
  };
}

function summarise(shown: readonly ExecuteEvent[]): RunEnd {
  const textOf = (type: 'stdout' | 'stderr'): string =>
    shown.flatMap((event) => (event.type === type ? [event.line] : [])).join('\n');
  const end = shown.at(-1);
  return { exit: end?.type === 'exit' ? end.code : null, stdout: textOf('stdout'), stderr: textOf('stderr') };
}
