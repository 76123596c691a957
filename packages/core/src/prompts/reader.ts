import { limitWords } from '../cli-machine/limit-output.ts';
import type { ExecuteEvent } from '../protocol/agent-api.ts';
import { matchesAny } from '../provider/match-in-turns.ts';
import type { Provider } from '../contracts/provider.ts';
import { factsOf } from '../rpc/facts.ts';
import { vendorWords } from './vendor-words.ts';
import type { Observation, PromptEvent } from '../contracts/prompt-event.ts';

/** Turns one headless run into prompt events. Whatever the CLI shows, there is exactly one `prompt-end`, last. */
export interface PromptReader {
  /** One at a time: the next event when this has resolved. */
  take(event: ExecuteEvent): Promise<readonly PromptEvent[]>;
  /** The provider refuses the login, and the CLI has not given up. */
  readonly inVain: boolean;
  /** For a run whose stream ended without an exit, or was left. */
  finish(): readonly PromptEvent[];
}

type End = Extract<PromptEvent, { type: 'prompt-end' }>;

export function createPromptReader(provider: Provider): PromptReader {
  const { manifest, parse } = provider;
  let state: unknown = parse?.initial();
  let end: End | undefined;
  let ended = false;
  let reloginNeeded = false;
  let isAnswered = false;
  let hasPrinted = false;

  async function observe(observation: Observation): Promise<PromptEvent[]> {
    reloginNeeded ||= await matchesAny(manifest.prompt.reloginNeeded, textOf(observation));
    if (!parse) return plain(observation);
    const step = parse.step(state, observation);
    state = step.state;
    return [...step.events];
  }

  /** Holds the end back until the process is gone, so that nothing can follow it. */
  function withhold(events: readonly PromptEvent[]): PromptEvent[] {
    return events.filter((event) => {
      if (event.type !== 'prompt-end') return true;
      end ??= event;
      return false;
    });
  }

  function conclude(fallback: End): PromptEvent[] {
    if (ended) return [];
    ended = true;
    const outcome = inWords(answered(end ?? fallback));
    if (!reloginNeeded || outcome.outcome === 'completed') return [outcome];
    return [
      {
        ...outcome,
        outcome: 'relogin-needed',
        code: 'CREDENTIAL_INVALID',
        hint: `${manifest.title} no longer accepts this login. Connect it again.`,
      },
    ];
  }

  async function show({ dropped, ...observation }: Exclude<ExecuteEvent, { type: 'exit' }>): Promise<PromptEvent[]> {
    if (observation.type === 'stdout' && !hasPrinted && BYTE_ORDER_MARK.test(observation.line)) end ??= unreadable();
    hasPrinted ||= observation.type !== 'stderr';
    const events = withhold(await observe(observation));
    isAnswered ||= events.some(isAnswer);
    return dropped === undefined ? events : [...events, { type: 'notice', message: cutLine(dropped) }];
  }

  /** Nothing that follows can be trusted to be what the CLI meant. */
  function unreadable(): End {
    return {
      type: 'prompt-end',
      outcome: 'failed',
      code: 'PROMPT_FAILED',
      message: `${manifest.title} printed UTF-16, and only UTF-8 can be read.`,
      hint: 'Tell the operator: the CLI has to print UTF-8.',
    };
  }

  /** Says what the vendor said, without the JSON around it. */
  function inWords(outcome: End): End {
    if (outcome.message === undefined) return outcome;
    return { ...outcome, message: vendorWords(outcome.message) ?? `${manifest.title} failed without saying why.` };
  }

  /** A CLI that shows nothing has not worked, whatever its exit code or its parser says. */
  function answered(outcome: End): End {
    if (isAnswered || outcome.outcome !== 'completed') return outcome;
    return {
      type: 'prompt-end',
      outcome: 'failed',
      code: 'PROMPT_FAILED',
      message: `${manifest.title} ended without an answer.`,
      hint: 'Send the prompt again. If it happens each time, connect again or tell the operator.',
    };
  }

  return {
    get inVain() {
      return !ended && end?.outcome === 'relogin-needed';
    },
    take: async (event) => {
      if (ended) return [];
      if (event.type !== 'exit') return show(event);
      const events = withhold(await observe({ type: 'exit', code: event.code, signal: event.signal }));
      isAnswered ||= events.some(isAnswer);
      if (event.reason !== 'ended')
        end = {
          type: 'prompt-end',
          outcome: 'failed',
          code: 'PROMPT_FAILED',
          message: reasons[event.reason](event.message),
        };
      return [...events, ...conclude(exitEnd(event.code, event.signal))];
    },
    finish: () =>
      conclude({
        type: 'prompt-end',
        outcome: 'failed',
        code: 'MACHINE_FAILED',
        message: 'The machine ended before the CLI did.',
        hint: 'Send the prompt again.',
      }),
  };
}

/** That of UTF-16 (RFC 2781 §3.2) is two bytes that UTF-8 has not. */
const BYTE_ORDER_MARK = /^\ufffd{2}/;

const reasons = {
  timeout: (message: string | undefined) => message ?? limitWords.timeout,
  cancelled: () => 'The run was cancelled.',
  'output-limit': () => limitWords['output-limit'],
  'spawn-failed': (message: string | undefined) => `The CLI could not be started: ${message ?? 'no reason given'}.`,
} as const;

/** A notice is not an answer: a parser makes one of each line that it cannot read. */
function isAnswer(event: PromptEvent): boolean {
  return event.type !== 'notice' && !(event.type === 'text' && event.text.trim() === '');
}

function cutLine(dropped: number): string {
  return `A line that the CLI printed was too long: ${dropped} characters of it are left out.`;
}

function exitEnd(code: number | null, signal: string | null): End {
  return code === 0
    ? { type: 'prompt-end', outcome: 'completed' }
    : {
        type: 'prompt-end',
        outcome: 'failed',
        code: 'PROMPT_FAILED',
        message: `The CLI ended with ${signal ?? `exit code ${code}`}.`,
      };
}

/** What matchers look at. */
function textOf(observation: Observation): string {
  if (observation.type === 'exit') return `exit ${observation.code ?? observation.signal}`;
  return observation.type === 'rpc' ? factsOf(observation.message).join('\n') : observation.line;
}

function plain(observation: Observation): PromptEvent[] {
  if (observation.type === 'stdout') return [{ type: 'text', text: `${observation.line}\n` }];
  if (observation.type === 'rpc') return [{ type: 'text', text: `${JSON.stringify(observation.message)}\n` }];
  return observation.type === 'stderr' ? [{ type: 'notice', message: observation.line }] : [];
}
