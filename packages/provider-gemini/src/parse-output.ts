import { errorCodes } from '@sallyport/core';
import { asRecord, finiteNumber, nonEmpty, quotable, readable, tryParseJson } from '@sallyport/core/provider';
import type { JsonRecord, Observation, PromptEvent, PromptParser } from '@sallyport/core/provider';

import { EXIT_NOT_AUTHENTICATED, exitMeanings } from './exit-codes.ts';

/** What has been seen of one `gemini -o stream-json` so far. */
export interface OutputState {
  /** Tools that started and have not ended: id → name. */
  readonly openTools: Readonly<Record<string, string>>;
  /** Why the run will have failed, unless it ends with code 0. */
  readonly lastError: string | undefined;
  /** What the last line of a run says. Without it, a run has not worked, whatever the exit code says. */
  readonly result: 'success' | 'error' | undefined;
  readonly lastStderr: string | undefined;
  readonly ended: boolean;
}

type Step = { readonly state: OutputState; readonly events: readonly PromptEvent[] };

/**
 * Turns the JSON lines of `gemini -o stream-json` into events. Text comes in pieces. The end is announced when the
 * process ends: a run that cannot log in prints no line at all.
 */
export const parseOutput: PromptParser<OutputState> = {
  initial: () => ({ openTools: {}, lastError: undefined, result: undefined, lastStderr: undefined, ended: false }),
  step(state, observation) {
    if (state.ended) return { state, events: [] };
    if (observation.type === 'exit') return exit(state, observation);
    if (observation.type === 'rpc') return { state, events: [] };
    const line = withoutColour(observation.line);
    if (line.trim() === '') return { state, events: [] };
    if (observation.type === 'stderr') return { state: stderr(state, line), events: [] };
    return stdout(state, line);
  },
};

function stdout(state: OutputState, line: string): Step {
  const event = asRecord(tryParseJson(line));
  const type = nonEmpty(event['type']);
  if (type === undefined) return { state, events: [{ type: 'notice', message: quotable(line) }] };
  switch (type) {
    case 'init': {
      const conversationId = nonEmpty(event['session_id']);
      return { state, events: conversationId === undefined ? [] : [{ type: 'conversation', conversationId }] };
    }
    case 'message': {
      // White space alone is a piece of text too.
      const text = event['content'];
      const said = event['role'] === 'assistant' && typeof text === 'string' && text !== '';
      return { state, events: said ? [{ type: 'text', text }] : [] };
    }
    case 'tool_use':
      return toolUse(state, event);
    case 'tool_result':
      return toolResult(state, event);
    case 'error':
      return problem(state, event);
    case 'result':
      return result(state, event);
    default:
      return { state, events: [] };
  }
}

function toolUse(state: OutputState, event: JsonRecord): Step {
  const name = nonEmpty(event['tool_name']) ?? 'tool';
  const toolId = nonEmpty(event['tool_id']) ?? name;
  return {
    state: { ...state, openTools: { ...state.openTools, [toolId]: name } },
    events: [{ type: 'tool-start', toolId, name, input: toolInput(event['parameters']) }],
  };
}

/** The command of a shell tool as it is; every other tool's parameters as JSON. */
function toolInput(parameters: unknown): string {
  return nonEmpty(asRecord(parameters)['command']) ?? readable(parameters);
}

function toolResult(state: OutputState, event: JsonRecord): Step {
  const toolId = nonEmpty(event['tool_id']) ?? 'tool';
  const { [toolId]: started, ...openTools } = state.openTools;
  const name = started ?? toolId;
  const output = nonEmpty(event['output']) ?? readable(asRecord(event['error'])['message']);
  const start: PromptEvent[] = started === undefined ? [{ type: 'tool-start', toolId, name, input: '' }] : [];
  return {
    state: { ...state, openTools },
    events: [...start, { type: 'tool-end', toolId, name, output, ok: event['status'] === 'success' }],
  };
}

/** Told at once; one that is not a warning may also be why the run ends. */
function problem(state: OutputState, event: JsonRecord): Step {
  const message = nonEmpty(event['message']);
  if (message === undefined) return { state, events: [] };
  const lastError = event['severity'] === 'warning' ? state.lastError : message;
  return { state: { ...state, lastError }, events: [{ type: 'notice', message }] };
}

function result(state: OutputState, event: JsonRecord): Step {
  const stats = asRecord(event['stats']);
  const inputTokens = finiteNumber(stats['input_tokens']);
  const outputTokens = finiteNumber(stats['output_tokens']);
  const counted = inputTokens !== undefined && outputTokens !== undefined && inputTokens + outputTokens > 0;
  const lastError = nonEmpty(asRecord(event['error'])['message']) ?? state.lastError;
  return {
    state: { ...state, lastError, result: event['status'] === 'error' ? 'error' : 'success' },
    events: counted ? [{ type: 'usage', inputTokens, outputTokens }] : [],
  };
}

/** The first line after which the stack trace and the repetitions come. */
function stderr(state: OutputState, line: string): OutputState {
  const fatal = /^(?:Error[^:]*: )?Fatal[A-Za-z]*Error: (.*)$/.exec(line)?.[1];
  if (fatal !== undefined) return { ...state, lastError: fatal };
  return isNoise(line) ? state : { ...state, lastStderr: quotable(line) };
}

function isNoise(line: string): boolean {
  return /^\s+at |^\}|^\s*exitCode: |^Warning: |^YOLO mode |^Ripgrep is not available/.test(line);
}

function exit(state: OutputState, observation: Extract<Observation, { type: 'exit' }>): Step {
  const cutShort: PromptEvent[] = Object.entries(state.openTools).map(([toolId, name]) => ({
    type: 'tool-end',
    toolId,
    name,
    output: '',
    ok: false,
  }));
  return { state: { ...state, openTools: {}, ended: true }, events: [...cutShort, promptEnd(state, observation)] };
}

/** With an API key that Google does not know, the run ends with the status of the answer, modulo 256. */
function isRefusedKey(error: string | undefined): boolean {
  return error?.includes('API_KEY_INVALID') ?? false;
}

function promptEnd(state: OutputState, { code, signal }: { code: number | null; signal: string | null }): PromptEvent {
  if (code === 0 && state.result === 'success') return { type: 'prompt-end', outcome: 'completed' };
  const meaning = code === null ? undefined : exitMeanings[code];
  const ending = signal === null ? `Gemini CLI ended with exit code ${code}.` : `Gemini CLI was ended by ${signal}.`;
  const said = state.lastError ?? state.lastStderr;
  const message =
    meaning === undefined ? (said ?? ending) : said === undefined ? meaning : `${meaning} It said: ${said}`;
  const [outcome, errorCode] =
    code === EXIT_NOT_AUTHENTICATED || isRefusedKey(state.lastError)
      ? (['relogin-needed', 'CREDENTIAL_INVALID'] as const)
      : (['failed', 'PROMPT_FAILED'] as const);
  return { type: 'prompt-end', outcome, code: errorCode, message, hint: errorCodes[errorCode].hint };
}

function withoutColour(line: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what is looked for
  return line.replace(/\u001b\[[0-9;]*m/g, '');
}
