import { SallyportError } from '@sallyport/core';
import { createLogin, screenExcerpt, step } from '@sallyport/core/engine';
import type { Clock } from '@sallyport/core';
import type { GuardedUrl } from '@sallyport/core/engine';
import type { LoginAction, LoginObservation, ScreenView } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/protocol';

import { endProcessGroup } from '../process-group.ts';
import type { BrowserShim } from './browser-shim.ts';
import type { CliCommandLine } from './cli-channel.ts';
import { listeningPorts } from './listening-ports.ts';
import { openRpcChannel } from './rpc-channel.ts';
import { openTerminalChannel } from './terminal-channel.ts';

/** One login under way: the engine decides, this does. */
export interface LoginRun {
  /** Reports something that happened outside of the CLI. False: it changed nothing. */
  observe(observation: LoginObservation): boolean;
  /** What the CLI has shown or said. */
  view(): ScreenView;
  /** Ends the login from outside. */
  stop(error: SallyportError): void;
  /** Resolves when the login is over and nothing of its process group runs; never rejects. */
  readonly ended: Promise<LoginEnding>;
}

export type LoginEnding =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: SallyportError; readonly screen: string };

export interface LoginRunOptions {
  readonly method: LoginMethod;
  readonly command: CliCommandLine;
  readonly shim: BrowserShim;
  readonly clock: Clock;
  onUrl(url: GuardedUrl, userCode: string | undefined): void;
  onAsk(prompt: Extract<LoginAction, { type: 'ask' }>['prompt']): void;
  onAwaitCallback(port: number): void;
  /** The CLI has not gone on for some seconds; this is what it shows. */
  onStillScreen?(text: string): void;
  /** Everything that is observed, as it comes. For a recording. */
  onObservation?(observation: LoginObservation): void;
  /** Everything that is sent to the CLI. For a recording. */
  onSent?(text: string): void;
  /** Reads the credential; resolves to what is wrong with it, or `undefined` when it is complete and offered. */
  capture(signal: AbortSignal): Promise<string | undefined>;
}

const TICK_MS = 1000;
/** How long a CLI gets to end after SIGTERM. */
const GRACE_MS = 1500;

export function runLogin(options: LoginRunOptions): LoginRun {
  const { method, clock, shim } = options;
  const { drive } = method;
  const over = new AbortController();
  const started = clock.monotonic();
  let state = createLogin(method);
  let finish: (ending: LoginEnding) => void = () => {};
  const decided = new Promise<LoginEnding>((resolve) => {
    finish = resolve;
  });

  const view = (): ScreenView => channel.view?.() ?? state.screen;
  const fail = (error: SallyportError): void => finish({ ok: false, error, screen: screenExcerpt(view()) });
  const observe = (observation: LoginObservation): boolean => {
    if (over.signal.aborted) return false;
    options.onObservation?.(observation);
    const next = step(state, observation);
    const changed = next.state !== state;
    state = next.state;
    for (const action of next.actions) perform(action);
    return changed;
  };
  const perform = (action: LoginAction): void => {
    switch (action.type) {
      case 'send':
        return type(action);
      case 'ask':
        return options.onAsk(action.prompt);
      case 'announce-url':
        return options.onUrl(action.url, action.userCode);
      case 'await-callback':
        return options.onAwaitCallback(action.port);
      case 'show-screen':
        return options.onStillScreen?.(action.text);
      case 'capture':
        return void capture();
      case 'finish':
        return finish({ ok: true });
      case 'fail':
        return fail(new SallyportError(action.code, action.message));
    }
  };
  const send = (text: string): void => {
    options.onSent?.(text);
    channel.write(text);
  };
  let typed: Promise<unknown> = Promise.resolve();
  const type = ({ text, afterMs = 0, step: id }: Extract<LoginAction, { type: 'send' }>): void => {
    typed = typed
      .then(() => (afterMs > 0 ? clock.sleep(afterMs, over.signal) : undefined))
      .then(() => send(text))
      .then(() => id !== undefined && observe({ type: 'typed', step: id }))
      // Rejects when the login is over: then nothing is typed any more.
      .catch(() => undefined);
  };
  const capture = async (): Promise<void> => {
    try {
      observe({ type: 'captured', problem: await options.capture(over.signal) });
    } catch (error) {
      if (!over.signal.aborted)
        fail(new SallyportError('LOGIN_FAILED', 'The credential could not be read.', { cause: error }));
    }
  };

  const listener = { over: over.signal, observe: (observation: LoginObservation) => void observe(observation), fail };
  const channel =
    drive.kind === 'terminal'
      ? openTerminalChannel(options.command, drive, clock, listener)
      : openRpcChannel(options.command, clock, listener);
  const silence = shim.listen((url) => void observe({ type: 'shim', url }));

  const tick = async (): Promise<void> => {
    while (!over.signal.aborted) {
      observe({ type: 'tick', elapsedMs: clock.monotonic() - started });
      await clock.sleep(TICK_MS, over.signal);
      shim.check();
      await findListener();
    }
  };
  /** Two ports would leave open which one is for the callback. */
  const findListener = async (): Promise<void> => {
    const isNeeded = method.callback?.printed !== undefined && state.listeningPort === undefined && !state.announced;
    if (!isNeeded || channel.pid === undefined) return;
    const [port, ...others] = await listeningPorts(channel.pid);
    if (port !== undefined && others.length === 0) observe({ type: 'listening', port });
  };
  // Ends by the signal alone.
  void tick().catch(() => {});

  const ended = decided.then(async (ending) => {
    over.abort();
    silence();
    if (channel.pid !== undefined) await endProcessGroup(channel.pid, GRACE_MS, clock);
    await channel.settled();
    channel.dispose();
    return ending;
  });
  return { observe, view, stop: fail, ended };
}
