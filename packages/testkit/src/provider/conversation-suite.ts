import { asRecord, tryParseJson } from '@sallyport/core/driver';
import type { LoginMethod, Provider } from '@sallyport/core/provider';

import type { RpcEntry, RpcTranscript } from '../rpc-transcript.ts';
import type { TestRunner } from '../runner.ts';
import { startLoginRun } from './login-run.ts';
import type { LoginOutcome, LoginRun, LoginRunOptions } from './login-run.ts';
import { methodOf } from './transcript-suite.ts';

/** A recorded login over JSON-RPC and what has to come of it. */
export interface ConversationCase extends LoginRunOptions {
  readonly transcript: RpcTranscript;
  /** Id of a login method, or one that only the test has. */
  readonly method: string | LoginMethod;
  /** What the login comes to; `sent` are the methods of what the CLI is told. */
  readonly expected: { readonly [Key in keyof LoginOutcome]: unknown };
}

export function conversationSuite(
  provider: Provider,
  cases: readonly ConversationCase[],
  { describe, it, expect }: TestRunner,
): void {
  if (cases.length === 0) return;
  describe('recorded conversations', () => {
    for (const item of cases) {
      const method = methodOf(provider, item.method);
      const { name, entries } = item.transcript;

      it(`${name} (${method.id}) comes to the same, and the CLI is told what it was told then`, () => {
        const { sent, ...outcome } = replay(method, item, entries);
        const messages = sent.map(tryParseJson);
        expect({ ...outcome, sent: messages.map((message) => asRecord(message)['method']) }).toEqual(item.expected);
        const told = entries.flatMap(({ from, line }) => (from === 'client' ? [tryParseJson(line)] : []));
        expect(messages).toEqual(told);
      });

      it(`${name} (${method.id}) does not depend on the order of keys, nor on messages that are new`, () => {
        const plain = replay(method, item, entries);
        expect(replay(method, item, entries.map(reversed))).toEqual(plain);
        expect(
          replay(
            method,
            item,
            entries.flatMap((entry) => [...noise, entry]),
          ),
        ).toEqual(plain);
      });
    }
  });
}

function replay(method: LoginMethod, options: LoginRunOptions, entries: readonly RpcEntry[]): LoginOutcome {
  const begun = startLoginRun(method, options).observe({ type: 'tick', elapsedMs: 0 });
  const { outcome } = entries.reduce(heard, begun);
  // Requests from the CLI itself are declined; that is not a step of the login.
  const isStep = (line: string): boolean => asRecord(tryParseJson(line))['error'] === undefined;
  return { ...outcome, sent: outcome.sent.filter(isStep) };
}

function heard(run: LoginRun, { from, line }: RpcEntry): LoginRun {
  switch (from) {
    case 'cli':
      return run.observe({ type: 'rpc', line });
    case 'stderr':
      return run.observe({ type: 'stderr', line });
    case 'browser':
      return run.observe({ type: 'shim', url: line });
    case 'exit':
      return run.observe({ type: 'exit', code: Number(line), signal: null });
    default:
      return run;
  }
}

/** What no CLI said when it was recorded, and the next release may say. */
const noise: readonly RpcEntry[] = [
  '',
  'a line that is not a message',
  '{"method":"something/new","params":{"url":"https://example.com/","success":true}}',
  '{"id":"login","method":"something/asked","params":null}',
  '{"id":77,"result":{}}',
  '[{"jsonrpc":"2.0","method":"batch"}]',
].map((line) => ({ from: 'cli' as const, line }));

function reversed(entry: RpcEntry): RpcEntry {
  return entry.from === 'cli' ? { ...entry, line: JSON.stringify(turned(tryParseJson(entry.line))) } : entry;
}

function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, turned(inner)]),
  );
}
