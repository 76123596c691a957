import { randomUUID } from 'node:crypto';

import { SallyportError, toSallyportError } from '../errors.ts';
import { followJournal } from '../journal-stream.ts';
import { bootMachine } from '../machine/boot.ts';
import type { RunningMachine } from '../machine/boot.ts';
import { newMachineId } from '../machine/ids.ts';
import type { Provider } from '../provider/provider.ts';
import type { Runtime } from '../runtime.ts';
import type { JournalEntry, SessionEvent, SessionRecord } from '../store/store.ts';
import { attemptLogin } from './attempt.ts';
import type { CapturedLogin } from './attempt.ts';
import type { CallbackPortLease } from './callback-ports.ts';
import { rankMethods } from './ladder.ts';
import type { Candidate, Ladder } from './ladder.ts';
import { createLiveSession, failSession, sessionTopic } from './session.ts';
import type { LiveSession } from './session.ts';

export interface StartLogin {
  readonly userId: string;
  readonly externalId: string | null;
  readonly provider: string;
  /** A method id, or `method:display`. Absent: the ladder chooses, and falls through on failure. */
  readonly method?: string | undefined;
}

export interface Logins {
  /** Writes the session and returns; everything slow happens afterwards. */
  start(request: StartLogin): Promise<SessionRecord>;
  /** The ways this person could log in here and now, best first. */
  ladder(provider: string): Ladder;
  get(sessionId: string): Promise<SessionRecord>;
  events(sessionId: string, afterId: number, signal: AbortSignal): AsyncGenerator<JournalEntry<SessionEvent>>;
  answer(sessionId: string, promptId: string, value: string): Promise<void>;
  cancel(sessionId: string): Promise<void>;
  /** The flow of a live session in this process, for the viewer. */
  live(sessionId: string): LiveSession | undefined;
  /** Ends every login of this process with the given error and waits for the clean-up. */
  endAll(error: () => SallyportError): Promise<void>;
}

export function createLogins(runtime: Runtime, afterLogin: (userId: string, provider: string) => Promise<string | null>): Logins {
  const live = new Map<string, { readonly session: LiveSession; readonly done: Promise<void> }>();

  const ladder = (providerId: string, method?: string): Ladder =>
    rankMethods({
      methods: runtime.registry.get(providerId).manifest.logins,
      request: method,
      prefer: runtime.settings.prefer,
      features: runtime.driver.features,
    });

  async function start(request: StartLogin): Promise<SessionRecord> {
    const provider = runtime.registry.get(request.provider);
    const { id } = provider.manifest;
    const candidates = await choose(ladder(id, request.method).candidates, request, id);
    const [first] = candidates;
    if (!first) throw new SallyportError('LOGIN_METHOD_UNAVAILABLE', `No way to log in to ${provider.manifest.title} works on this host.`);
    await runtime.store.users.ensure(request.userId, request.externalId);
    const record = await runtime.store.sessions.create({
      sessionId: randomUUID(),
      userId: request.userId,
      provider: id,
      method: first.method.id,
      display: first.display,
      browserMachineId: null,
      phase: 'accepted',
    });
    const session = createLiveSession(runtime, record);
    runtime.emit({ type: 'login.started', userId: record.userId, sessionId: record.sessionId, provider: id, method: first.method.id, display: first.display });
    const done = run(session, provider, candidates).finally(() => live.delete(record.sessionId));
    live.set(record.sessionId, { session, done });
    return record;
  }

  /** The `login.method` hook may put another method first; a method named in the request always wins. */
  async function choose(candidates: readonly Candidate[], request: StartLogin, provider: string): Promise<readonly Candidate[]> {
    if (request.method !== undefined) return candidates;
    const context = { userId: request.userId, provider, sessionId: undefined, signal: runtime.closing };
    const methods = [...new Set(candidates.map((candidate) => candidate.method))];
    const chosen = await runtime.hooks.loginMethod(methods, context);
    return chosen ? candidates.filter((candidate) => candidate.method.id === chosen.id) : candidates;
  }

  async function run(session: LiveSession, provider: Provider, candidates: readonly Candidate[]): Promise<void> {
    try {
      const directory = await install(session, provider);
      for (const [index, candidate] of candidates.entries()) {
        const next = candidates[index + 1];
        try {
          await runCandidate(session, provider, candidate, directory);
          return;
        } catch (thrown) {
          const error = loginError(thrown, session);
          if (!next || !fallsThrough(error) || session.abort.signal.aborted) throw error;
          await session.note(
            { type: 'notice', message: `${error.message} Trying another way: ${next.method.title}.` },
            { method: next.method.id, display: next.display, authUrl: null, userCode: null },
          );
        }
      }
    } catch (thrown) {
      await failSession(runtime, session, loginError(thrown, session)).catch((error: unknown) => runtime.reportBackground('ending a login session', error));
    }
  }

  async function install(session: LiveSession, provider: Provider): Promise<string> {
    let announced = false;
    return runtime.installCli(provider.manifest, {
      signal: session.abort.signal,
      onProgress: (message, fraction) => {
        const write = announced
          ? session.note({ type: 'progress', message, ...(fraction !== undefined && { data: { fraction } }) })
          : session.advance('installing-cli');
        announced = true;
        write.catch((error: unknown) => runtime.reportBackground('installation progress', error));
      },
    });
  }

  async function runCandidate(session: LiveSession, provider: Provider, candidate: Candidate, directory: string): Promise<void> {
    const { manifest } = provider;
    const { signal } = session.abort;
    const { method, display } = candidate;
    let lease: CallbackPortLease | undefined;
    let browser: RunningMachine | undefined;
    try {
      lease = await acquirePorts(session, candidate);
      await session.advance('starting-machine');
      browser = await startBrowserMachine(session, provider, candidate, directory);
      session.agent = browser.agent;
      await session.advance('starting-login');
      const captured = await attemptLogin(runtime, { session, agent: browser.agent, manifest, method, display, occupyPorts: lease?.occupied ?? [], signal });
      await session.advance('storing');
      const version = await store(session, captured);
      await session.advance('cleaning-up');
      session.agent = undefined;
      await removeBrowserMachine(session, browser);
      browser = undefined;
      const cliMachineId = await afterLogin(session.userId, session.provider);
      await session.advance('completed', { change: { authUrl: null, userCode: null, cliMachineId } });
      runtime.emit({ type: 'login.completed', userId: session.userId, sessionId: session.sessionId, provider: session.provider, version });
    } finally {
      session.agent = undefined;
      if (browser) await removeBrowserMachine(session, browser).catch((error: unknown) => runtime.reportBackground('removing a browser machine', error));
      await lease?.release();
    }
  }

  /** The place in line for the CLI's fixed callback ports, where this way of logging in needs one. */
  async function acquirePorts(session: LiveSession, candidate: Candidate): Promise<CallbackPortLease | undefined> {
    const { callback } = candidate.method;
    const { loopback } = runtime.driver.features;
    const needed = callback && callback.ports.length > 0 && (loopback === 'shared' || (loopback === 'forwarded' && candidate.display === 'local'));
    if (!callback || !needed) return undefined;
    return runtime.callbackPorts.acquire({
      ports: callback.ports,
      path: callback.path,
      mode: loopback === 'shared' ? 'reserve' : 'forward',
      signal: session.abort.signal,
      onWait: () => {
        session.advance('waiting-for-port').catch((error: unknown) => runtime.reportBackground('waiting for a port', error));
      },
      onCallback: async (query) => (await session.agent?.callback(query, session.abort.signal)) ?? false,
    });
  }

  async function startBrowserMachine(session: LiveSession, provider: Provider, candidate: Candidate, directory: string): Promise<RunningMachine> {
    const { manifest } = provider;
    const { userId } = session;
    const desktop = candidate.display === 'desktop';
    const memoryMb = desktop ? runtime.settings.browserMemoryMb.desktop : runtime.settings.browserMemoryMb.plain;
    const machineId = newMachineId();
    await runtime.store.machines.create({ machineId, userId, role: 'browser', driver: runtime.driver.name, host: runtime.host, vcpus: 1, memoryMb });
    await session.note({ type: 'progress', message: 'A machine has been reserved.' }, { browserMachineId: machineId });
    try {
      return await bootMachine(runtime, {
        machineId,
        userId,
        provider: manifest.id,
        sessionId: session.sessionId,
        role: 'browser',
        memoryMb,
        desktop,
        clis: [{ provider: manifest.id, directory }],
        hosts: [...new Set([...manifest.egress.signIn, ...manifest.egress.cli, ...runtime.settings.signInHosts])],
        signal: session.abort.signal,
      });
    } catch (error) {
      await runtime.setMachineState(machineId, userId, 'browser', 'destroyed');
      throw error;
    }
  }

  async function store(session: LiveSession, captured: CapturedLogin): Promise<number> {
    const { userId, provider, sessionId } = session;
    const verdict = await runtime.ledger.offer({
      userId,
      provider,
      files: captured.files,
      reason: 'login',
      beforeStore: (summary) => runtime.hooks.credentialCaptured(summary, { userId, provider, sessionId, signal: session.abort.signal }),
    });
    if (verdict.outcome === 'refused') throw new SallyportError('CREDENTIAL_INCOMPLETE', `The CLI's credential was not stored: ${verdict.problem}.`);
    // Not before the commit: the agent keeps offering until then, so a crash in between loses nothing.
    await captured.acknowledge();
    runtime.emit({ type: 'credential.stored', userId, provider, version: verdict.version, reason: 'login' });
    return verdict.version;
  }

  async function removeBrowserMachine(session: LiveSession, browser: RunningMachine): Promise<void> {
    const { userId } = session;
    const context = { userId, provider: session.provider, sessionId: session.sessionId, signal: runtime.closing };
    await runtime.hooks.machineStopping(browser.view('stopping'), context, 'login-over');
    await browser.machine.destroy();
    await browser.route.close();
    await runtime.setMachineState(browser.id, userId, 'browser', 'destroyed');
  }

  async function get(sessionId: string): Promise<SessionRecord> {
    const record = await runtime.store.sessions.get(sessionId);
    if (!record) throw new SallyportError('LOGIN_SESSION_UNKNOWN', 'There is no such login session.');
    return record;
  }

  async function requireLive(sessionId: string): Promise<LiveSession> {
    const session = live.get(sessionId)?.session;
    if (session) return session;
    await get(sessionId);
    throw new SallyportError('LOGIN_SESSION_OVER', 'The login session has ended.');
  }

  return {
    start,
    ladder,
    get,
    live: (sessionId) => live.get(sessionId)?.session,
    events: (sessionId, afterId, signal) =>
      followJournal(runtime.bell, {
        topic: sessionTopic(sessionId),
        afterId,
        signal,
        read: (after) => runtime.store.sessions.events(sessionId, after),
        isLast: (event) => event.type === 'done',
      }),
    answer: async (sessionId, promptId, value) => {
      const session = await requireLive(sessionId);
      if (!session.agent || session.openPrompt !== promptId) throw new SallyportError('LOGIN_ANSWER_UNEXPECTED', 'The CLI is not asking for that now.');
      await session.agent.answer(session.provider, { sessionId, promptId, value });
      session.openPrompt = undefined;
    },
    cancel: async (sessionId) => {
      const session = await requireLive(sessionId);
      session.abort.abort(new SallyportError('LOGIN_CANCELLED', 'The login was cancelled.'));
      await live.get(sessionId)?.done;
    },
    endAll: async (error) => {
      const running = [...live.values()];
      for (const { session } of running) session.abort.abort(error());
      await Promise.all(running.map(({ done }) => done));
    },
  };
}

/** Whether another way may work where this one did not; a person's or a policy's "no" is final. */
function fallsThrough(error: SallyportError): boolean {
  return ['MACHINE_FAILED', 'MACHINE_TIMED_OUT', 'LOGIN_PORT_TAKEN', 'AGENT_UNREACHABLE'].includes(error.code);
}

function loginError(thrown: unknown, session: LiveSession): SallyportError {
  const { signal } = session.abort;
  if (signal.aborted && SallyportError.isInstance(signal.reason)) return signal.reason;
  return toSallyportError(thrown, 'LOGIN_FAILED', `The login to ${session.provider} failed.`);
}
