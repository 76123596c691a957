import type { Clock } from '@sallyport/core';
import type { LoginObservation, ScreenView } from '@sallyport/core/engine';
import type { LoginMethod } from '@sallyport/core/protocol';
import type { CredentialItem, Question } from '@sallyport/core/provider';
import { SallyportError } from '@sallyport/core';

import type { BrowserShim } from '../login/browser-shim.ts';
import type { CliCommandLine } from '../login/cli-channel.ts';
import { captureLogin } from '../login/login-capture.ts';
import { runLogin } from '../login/login-run.ts';

/** One line between a CLI that speaks JSON-RPC and its client, as it was. Holds secrets. */
export interface ConversationEntry {
  /** `browser`: the link that the CLI gave to its browser command. `exit`: the code. */
  readonly from: 'client' | 'cli' | 'stderr' | 'browser' | 'exit';
  readonly line: string;
}

export interface Conversation {
  readonly entries: readonly ConversationEntry[];
  /** What the CLI has said, as matchers read it. */
  readonly view: ScreenView;
  /** What the user answered to questions of the login. */
  readonly typed: string;
}

export interface RecordConversationOptions {
  readonly method: LoginMethod;
  readonly command: CliCommandLine;
  readonly home: string;
  readonly credentials: readonly CredentialItem[];
  readonly shim: BrowserShim;
  readonly keys: AsyncIterable<Uint8Array>;
  /** What the user has to know: the link, the code, a question. */
  readonly show: (text: string) => void;
  readonly clock: Clock;
  /** Ends the recording, and the CLI with it. */
  readonly signal: AbortSignal;
}

/**
 * Runs a login that is driven by messages as the agent does, and writes down each line. There is no terminal: the engine
 * sends the requests of the manifest, and the user opens the link that is shown.
 */
export async function recordConversation(options: RecordConversationOptions): Promise<Conversation> {
  const { method, command, home, credentials, shim, show, clock, signal } = options;
  const entries: ConversationEntry[] = [];
  const answers = new Map<string, string>();
  const questions: Question[] = [];
  const run = runLogin({
    method,
    command,
    shim,
    clock,
    onUrl: (url, code) => show(`Open ${url.href}\r\n${code === undefined ? '' : `and enter ${code}\r\n`}`),
    onAsk: (question) => {
      questions.push(question);
      show(`${question.label}: `);
    },
    onAwaitCallback: () => {},
    onObservation: (observation) => entries.push(...entryOf(observation)),
    onSent: (text) => entries.push({ from: 'client', line: text.trimEnd() }),
    capture: async (over) => {
      const reading = await captureLogin({ home, role: 'browser', items: credentials, values: {} }, clock, over);
      if (reading.type === 'complete') return undefined;
      return reading.type === 'absent' ? 'The CLI has written no credential.' : reading.problem;
    },
  });
  const stop = (): void => run.stop(new SallyportError('LOGIN_CANCELLED', 'The recording was ended.'));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const answer = async (): Promise<void> => {
    for await (const line of linesOf(options.keys)) {
      const question = questions.shift();
      if (question === undefined) continue;
      answers.set(question.id, line);
      run.observe({ type: 'answer', promptId: question.id, value: line });
    }
  };
  // Ends with the input, or with this process.
  void answer().catch(() => {});
  const ending = await run.ended;
  signal.removeEventListener('abort', stop);
  const typed = [...answers.values()].join('\n');
  // A refused login is worth recording too.
  if (!ending.ok) show(`\r\n${ending.error.message}\r\n`);
  return { entries, view: run.view(), typed };
}

function entryOf(observation: LoginObservation): readonly ConversationEntry[] {
  switch (observation.type) {
    case 'rpc':
      return [{ from: 'cli', line: observation.line }];
    case 'stderr':
      return [{ from: 'stderr', line: observation.line }];
    case 'shim':
      return [{ from: 'browser', line: observation.url }];
    case 'exit':
      return [{ from: 'exit', line: String(observation.code) }];
    default:
      return [];
  }
}

async function* linesOf(keys: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let line = '';
  for await (const bytes of keys) {
    const parts = (line + decoder.decode(bytes, { stream: true })).split(/[\r\n]/);
    line = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}
