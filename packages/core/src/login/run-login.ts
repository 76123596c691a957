import type { LoginRun } from './login-run.ts';
import { describeRefusal } from '../runtime/egress-refusals.ts';
import { blameConnection, isConnectionTrouble } from './connection-trouble.ts';
import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { untilStored } from '../base/until-stored.ts';
import { checkAnswer } from './ask.ts';
import { attemptLogin } from './attempt.ts';
import { removeBrowserMachine, startBrowserMachine } from '../browser-machine/start-browser-machine.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';
import type { MethodChoice } from './method-selection.ts';
import { receiveCallbacks } from './receive-callbacks.ts';
import { receiveValue } from './receive-value.ts';
import { failSession } from './session.ts';
import type { LiveSession } from './session.ts';
import { storeLogin } from './store-login.ts';

/** A way to log in that the CLI itself takes, in a machine. */
type DrivenChoice = MethodChoice & { readonly method: LoginMethod };

/** Runs one login session from installation to its end. Never rejects: the session tells how it went. */
export async function runLogin(runtime: Runtime, run: LoginRun): Promise<void> {
  const { session } = run;
  try {
    const [first] = run.choices;
    if (first && 'item' in first.method) {
      const version = await receiveValue(runtime, { ...run, method: first.method });
      await complete(runtime, run, version);
      return;
    }
    const directory = await install(runtime, run);
    const { browser, version } = await tryMethods(runtime, run, directory);
    await finish(runtime, run, browser, version);
  } catch (thrown) {
    await runtime.bestEffort('ending a login session', () =>
      failSession(runtime, session, loginError(thrown, session)),
    );
  }
}

interface StoredLogin {
  readonly browser: RunningMachine;
  readonly version: number;
}

async function tryMethods(runtime: Runtime, run: LoginRun, directory: string): Promise<StoredLogin> {
  const { session, provider } = run;
  let left: readonly DrivenChoice[] = run.choices.filter(isDriven);
  for (;;) {
    const [tried] = left;
    if (!tried) break;
    left = left.slice(1);
    try {
      return await tryMethod(runtime, run, tried, directory);
    } catch (thrown) {
      const error = loginError(thrown, session);
      // Where the machine is at fault, or its ports are, the same page by another command would meet the same.
      if (machineFaults.includes(error.code)) left = left.filter((other) => !isSamePage(other, tried));
      const [next] = left;
      if (!next || !fallsThrough(error, session.userAsked) || session.abort.signal.aborted) throw error;
      await session.note(
        { type: 'notice', message: `${error.message} Trying another way: ${next.method.title}.` },
        { method: next.method.id, display: next.display, authUrl: null, userCode: null, userCodeExpiresAt: null },
      );
    }
  }
  throw new SallyportError(
    'LOGIN_METHOD_UNAVAILABLE',
    `No way to log in to ${provider.manifest.title} works on this host.`,
  );
}

async function install(runtime: Runtime, { session, provider }: LoginRun): Promise<string> {
  const { signal } = session.abort;
  signal.throwIfAborted();
  let announced = false;
  return runtime.installCli(provider.manifest, {
    signal,
    onProgress: (message, fraction) => {
      const data = fraction !== undefined && { data: { fraction } };
      const first = !announced;
      announced = true;
      // Another login may still wait for the same installation after this one has ended.
      if (signal.aborted) return;
      void runtime.bestEffort('noting the progress of an installation', () =>
        first ? session.advance('installing-cli') : session.note({ type: 'progress', message, ...data }),
      );
    },
  });
}

/** One way to log in, up to the commit of the credential. When it fails, all it made is gone. */
async function tryMethod(
  runtime: Runtime,
  run: LoginRun,
  choice: DrivenChoice,
  directory: string,
): Promise<StoredLogin> {
  const { provider, session, warmPool } = run;
  const { sessionId } = session;
  const { signal } = session.abort;
  const { manifest } = provider;
  const { method, display } = choice;
  const reception = await receiveCallbacks(runtime, session, choice);
  let browser: RunningMachine | undefined;
  let trouble: string | undefined;
  try {
    await session.advance('starting-machine');
    browser = await startBrowserMachine(runtime, { session, provider, choice, directory, warmPool });
    using _ = runtime.refusals.watch(browser.id, (host, reason) => {
      if (signal.aborted) return;
      if (isConnectionTrouble(manifest, host, reason)) trouble ??= describeRefusal(host, reason, 'sign-in');
      void runtime.bestEffort('noting a host that a machine was refused', () =>
        session.note({ type: 'notice', message: describeRefusal(host, reason, 'sign-in') }),
      );
    });
    const { agent } = browser;
    session.agent = agent;
    session.listener = async (promptId, value) => {
      checkAnswer(method, promptId, value);
      await agent.answer(manifest.id, { sessionId, promptId, value });
    };
    await session.advance('starting-login');
    const attempt = { session, agent, manifest, method, display, reception, signal };
    const captured = await attemptLogin(runtime, attempt);
    await session.advance('storing');
    const version = await storeLogin(runtime, run, captured.files);
    // Not before the commit: the agent keeps offering until then, so a crash in between loses nothing.
    await runtime.bestEffort('acknowledging a login', () => captured.acknowledge());
    return { browser, version };
  } catch (error) {
    session.agent = undefined;
    session.listener = undefined;
    if (browser) await removeBrowserMachine(runtime, session, browser);
    throw trouble === undefined ? error : blameConnection(error, trouble);
  } finally {
    await runtime.bestEffort('giving callback ports back', () => reception.release());
  }
}

/** The credential is stored, so the login has succeeded: what fails from here on is reported and takes nothing back. */
async function finish(runtime: Runtime, run: LoginRun, browser: RunningMachine, version: number): Promise<void> {
  const { session } = run;
  const { openQuestions } = session;
  await runtime.bestEffort('noting the phase of a login', () => session.advance('cleaning-up'));
  session.agent = undefined;
  session.listener = undefined;
  openQuestions.clear();
  await removeBrowserMachine(runtime, session, browser);
  await complete(runtime, run, version);
}

async function complete(
  runtime: Runtime,
  { session, hold }: Pick<LoginRun, 'session' | 'hold'>,
  version: number,
): Promise<void> {
  const { userId, sessionId, provider } = session;
  await untilStored(runtime.clock, runtime.closing, async () => {
    const cliMachineId = (await runtime.store.users.get(userId))?.machineId ?? null;
    await session.advance('completed', {
      change: { authUrl: null, userCode: null, userCodeExpiresAt: null, cliMachineId },
      event: hold
        ? { type: 'login.held', userId, sessionId, provider }
        : { type: 'login.completed', userId, sessionId, provider, version },
    });
  });
}

function isSamePage(left: MethodChoice, right: MethodChoice): boolean {
  return left.method.kind === right.method.kind && left.display === right.display;
}

/**
 * Whether another way may work where this one did not. A user's or a policy's "no" is final; what the CLI itself
 * says counts as such only once the user has been asked for something.
 */
function fallsThrough({ code }: SallyportError, userAsked: boolean): boolean {
  return machineFaults.includes(code) || (!userAsked && earlyFaults.includes(code));
}

const machineFaults: readonly ErrorCode[] = [
  'MACHINE_FAILED',
  'MACHINE_TIMED_OUT',
  'LOGIN_PORT_TAKEN',
  'AGENT_UNREACHABLE',
];
const earlyFaults: readonly ErrorCode[] = [
  'LOGIN_FAILED',
  'LOGIN_DENIED',
  'LOGIN_CLI_CRASHED',
  'LOGIN_TIMED_OUT',
  'LOGIN_DRIFT',
  'AGENT_REFUSED',
  'MACHINE_BUSY',
  'MACHINE_UNSUPPORTED',
  'PROVIDER_CLI_MISSING',
];

function isDriven(choice: MethodChoice): choice is DrivenChoice {
  return isLoginMethod(choice.method);
}

function isLoginMethod(method: OfferedMethod): method is LoginMethod {
  return !('item' in method);
}

function loginError(thrown: unknown, session: LiveSession): SallyportError {
  const { signal } = session.abort;
  if (signal.aborted && SallyportError.isInstance(signal.reason)) return signal.reason;
  return toSallyportError(thrown, 'LOGIN_FAILED', `The login to ${session.provider} failed.`);
}
