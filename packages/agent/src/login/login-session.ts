import { SallyportError } from '@sallyport/core';
import { screenExcerpt, screenText } from '@sallyport/core/engine';
import { matchText } from '@sallyport/core/provider';
import type { Clock } from '@sallyport/core';
import type { GuardedUrl } from '@sallyport/core/engine';
import type { BootConfig, startLoginRequestSchema, StartLoginResponse } from '@sallyport/core/protocol';
import type { Question } from '@sallyport/core/provider';

import type { CliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import type { CliSurroundings } from '../cli/cli-environment.ts';
import { cliPlace } from '../cli/cli-place.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import { settingsOf, writeSettings } from '../cli/settings.ts';
import type { CredentialPlace } from '../credentials/credential-reading.ts';
import type { Offers } from '../credentials/offers.ts';
import type { EventLog } from '../event-log.ts';
import type { Redactor } from '../redact.ts';
import { rememberSecrets } from '../remember-secrets.ts';
import type { BrowserShim } from './browser-shim.ts';
import { captureLogin, findValues } from './login-capture.ts';
import { openLoginHome } from './login-home.ts';
import { runLogin } from './login-run.ts';
import type { LoginEnding, LoginRun } from './login-run.ts';
import { occupyPorts } from './occupied-ports.ts';

export type LoginCommand = ReturnType<typeof startLoginRequestSchema.parse>;

export interface LoginSessionOptions {
  readonly boot: PlaceConfig & Pick<BootConfig, 'role'>;
  readonly surroundings: CliSurroundings;
  readonly shim: BrowserShim;
  readonly log: EventLog;
  readonly offers: Offers;
  readonly redactor: Redactor;
  readonly clock: Clock;
}

/** What is known of the login that runs, or ran last. */
export interface LoginSession {
  readonly sessionId: string;
  readonly provider: string;
  /** Where the credential will be. */
  readonly path: string | null;
  /** Ends the login. */
  readonly abort: AbortController;
  /** The answer to the caller who started it. The first response counts. */
  readonly answered: Promise<StartLoginResponse>;
  readonly respond: (oauthUrl: string | null, userCode: string | null) => void;
  readonly refuse: (error: SallyportError) => void;
  /** Open questions. */
  readonly prompts: Map<string, Question>;
  readonly answers: Map<string, string>;
  run: LoginRun | undefined;
  url: GuardedUrl | undefined;
  callbackUsed: boolean;
  authenticated: boolean;
  /** What the CLI showed when it was done, where no rule of the method knows it. */
  unrecognised: string | undefined;
  over: boolean;
}

export function openLoginSession(provider: string, command: LoginCommand, role: 'browser' | 'cli'): LoginSession {
  const secret = command.credentials.find((item) => item.as === 'file' && item.role === 'secret');
  const { promise: answered, resolve, reject } = Promise.withResolvers<StartLoginResponse>();
  return {
    sessionId: command.sessionId,
    provider,
    path: secret?.as === 'file' ? secret.paths[role] : null,
    abort: new AbortController(),
    answered,
    respond: (oauthUrl, userCode) => resolve({ success: true, oauthUrl, userCode }),
    refuse: reject,
    prompts: new Map(),
    answers: new Map(),
    run: undefined,
    url: undefined,
    callbackUsed: false,
    authenticated: false,
    unrecognised: undefined,
    over: false,
  };
}

/** Runs a login from its first to its last moment. Never rejects: the events and the answer tell how it went. */
export async function runLoginSession(
  session: LoginSession,
  program: CliCommand,
  command: LoginCommand,
  options: LoginSessionOptions,
): Promise<void> {
  const { log, redactor } = options;
  const { sessionId } = session;
  const ending = await live(session, program, command, options).catch((error: unknown): LoginEnding => {
    const known = SallyportError.isInstance(error)
      ? error
      : new SallyportError('LOGIN_FAILED', 'The login could not be started.', { cause: error });
    return { ok: false, error: known, screen: '' };
  });
  session.over = true;
  session.run = undefined;
  if (ending.ok) {
    session.respond(session.url?.href ?? null, null);
    const { unrecognised } = session;
    log.publish({
      type: 'login.finished',
      sessionId,
      ...(unrecognised !== undefined && { unrecognised: redactor.redact(unrecognised) }),
    });
    return;
  }
  const { error } = ending;
  const message = redactor.redact(error.message);
  log.publish({ type: 'login.failed', sessionId, code: error.code, message, screen: redactor.redact(ending.screen) });
  session.refuse(new SallyportError(error.code, message, { hint: error.hint, cause: error }));
}

/** The whole life of one login; what it took is given back at the end, whatever happens. */
async function live(
  session: LoginSession,
  program: CliCommand,
  command: LoginCommand,
  options: LoginSessionOptions,
): Promise<LoginEnding> {
  const { boot, log, clock } = options;
  const { sessionId, provider } = session;
  const { method, credentials } = command;
  const place = cliPlace(boot, provider);
  await place.prepare();
  const machinePlace: CredentialPlace = { home: place.home, role: boot.role, items: credentials };
  const { freshHome } = method;
  const own = await openLoginHome({ place: machinePlace, runtime: boot.runtime, sessionId, freshHome });
  const ports = await occupyPorts(command.occupyPorts);
  let lastProblem: string | undefined;
  try {
    await writeSettings(own.home, settingsOf(command.cli, command.method));
    if (session.abort.signal.aborted) throw cancelled();
    const { home } = own;
    const env = cliEnvironment(options.surroundings, place.homeSeen(home), command.cli.env, method.drive.env ?? {});
    const run = runLogin({
      method,
      command: {
        ...place.command(program, { home, cwd: home, opensLinks: true, hiddenPaths: [], pinnedPaths: [] }),
        env,
        cwd: home,
      },
      shim: options.shim,
      clock,
      onUrl: (url, userCode) => {
        session.url = url;
        session.callbackUsed = false;
        log.publish({ type: 'login.url', sessionId, url: url.href, ...(userCode !== undefined && { userCode }) });
        session.respond(url.href, userCode ?? null);
      },
      onAsk: (prompt) => {
        session.prompts.set(prompt.id, prompt);
        log.publish({ type: 'login.prompt', sessionId, ...describeQuestion(prompt) });
        if (!method.url) session.respond(null, null);
      },
      onStillScreen: (screen) => log.publish({ type: 'login.still', sessionId, screen }),
      onAwaitCallback: (port) => log.publish({ type: 'login.awaiting-callback', sessionId, port }),
      capture: async (over) => {
        const values = findValues(credentials, run.view(), session.answers);
        const reading = await captureLogin({ ...machinePlace, home: own.home, values }, clock, over);
        if (reading.type === 'complete') {
          rememberSecrets(options.redactor, reading.files);
          session.authenticated = true;
          session.unrecognised = unrecognisedEnd(method, run);
          options.offers.offer({ provider, sessionId, files: reading.files });
          return undefined;
        }
        const problem = reading.type === 'absent' ? 'The CLI has written no credential.' : reading.problem;
        if (reading.type === 'incomplete' && problem !== lastProblem) {
          lastProblem = problem;
          log.publish({ type: 'credential.rejected', provider, sessionId, problem });
        }
        return problem;
      },
    });
    session.run = run;
    session.abort.signal.addEventListener('abort', () => run.stop(cancelled()), { once: true });
    return await run.ended;
  } finally {
    await ports.release();
    await own.remove();
  }
}

/** A CLI that ends well has logged in, whatever it says; a release that says it in other words is worth knowing of. */
function unrecognisedEnd(method: LoginCommand['method'], run: LoginRun): string | undefined {
  const text = screenText(run.view());
  return method.success.some((matcher) => matchText(matcher, text) !== undefined)
    ? undefined
    : screenExcerpt(run.view());
}

function describeQuestion(prompt: Question) {
  const { id: promptId, label, kind, secret, choices } = prompt;
  return { promptId, label, kind, secret, ...(choices && { choices: choices.map((choice) => choice.label) }) };
}

function cancelled(): SallyportError {
  return new SallyportError('LOGIN_CANCELLED', 'The login was cancelled.');
}
