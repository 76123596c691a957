import type { Question } from '../provider/question.ts';
import { countMatches, matchText } from '../provider/matcher.ts';
import type { ExpectStep } from '../provider/terminal-drive.ts';
import { answerStep, openRpcConnection } from '../rpc/connection.ts';
import type { Turn } from '../rpc/connection.ts';
import type { RpcStep } from '../provider/rpc-step.ts';
import { screenText } from './link-search.ts';
import type { AnsweredStep, LoginState, LoginStep } from './state.ts';
import type { LoginAction } from './observation.ts';
import { plainText } from './screen-text.ts';

type TypedAnswer = Extract<ExpectStep['do'], { kind: 'ask' }>;

/** What the steps of a method say to do: in a terminal when the screen shows something, over JSON-RPC when the CLI says it. */

const LONGEST_ANSWER = 4096;

/** Steps are not ordered, and each fires once. */
export function fireSteps(state: LoginState, text: string): LoginStep {
  const { drive } = state.method;
  if (drive.kind !== 'terminal') return { state, actions: [] };
  const due = drive.steps.filter(({ id, when }) => !state.fired.includes(id) && matchText(when, text) !== undefined);
  const asking = due.filter((item) => item.do.kind === 'ask').map((item) => item.id);
  return {
    state: { ...state, fired: [...state.fired, ...due.map((item) => item.id)], open: [...state.open, ...asking] },
    actions: due.map(actionOf),
  };
}

/** Says the first words to a CLI that speaks JSON-RPC. */
export function openConnection(state: LoginState): LoginStep {
  const { drive } = state.method;
  if (drive.kind !== 'json-rpc' || state.connection) return { state, actions: [] };
  return afterTurn(state, openRpcConnection(drive.steps, {}));
}

/** What a turn of the connection sends and asks. */
export function afterTurn(state: LoginState, { connection, send, asking }: Turn): LoginStep {
  const open = [...state.open, ...asking.map((item) => item.id)];
  return { state: { ...state, connection, open }, actions: [...send.map(sending), ...asking.flatMap(asked)] };
}

/** The answer to an open question on its way to the CLI; `undefined` where it is none. */
export function takeAnswer(state: LoginState, promptId: string, value: string): LoginStep | undefined {
  const steps: readonly (ExpectStep | RpcStep)[] = state.method.drive.steps;
  const item = steps.find(
    ({ id, do: { ...action } }) => state.open.includes(id) && action.kind === 'ask' && action.prompt.id === promptId,
  );
  if (item?.do.kind !== 'ask') return undefined;
  const { prompt } = item.do;
  const typed = typedText(value);
  const text = prompt.kind === 'choice' ? chosen(prompt.choices ?? [], typed) : typed;
  if (text === undefined || (text === '' && prompt.kind !== 'choice') || !hasShape(prompt, text)) return undefined;
  const next = { ...state, open: state.open.filter((id) => id !== item.id) };
  if ('submit' in item.do) {
    const answered = answeredStep(state, item.id);
    return { state: { ...next, answered }, actions: typing(text, item.do) };
  }
  return state.connection && afterTurn(next, answerStep(state.connection, item.id, text, state.elapsedMs));
}

function answeredStep({ method, screen, elapsedMs }: LoginState, step: string): AnsweredStep {
  const when = method.drive.kind === 'terminal' && method.drive.steps.find(({ id }) => id === step)?.when;
  return { step, sinceMs: elapsedMs, shown: when ? countMatches(when, screenText(screen)) : 0 };
}

/** What would be typed of an answer. */
export function typedText(value: string): string {
  return plainText(value).trim().slice(0, LONGEST_ANSWER);
}

/** Whether a text can be the answer. Some CLIs wait for ever when it is not. */
export function hasShape({ shape }: Question, text: string): boolean {
  return shape === undefined || matchText(shape, text) !== undefined;
}

function typing(text: string, { submit, submitAfterMs }: TypedAnswer): readonly LoginAction[] {
  if (submitAfterMs === 0) return [sending(text + submit)];
  return [sending(text), { type: 'send', text: submit, afterMs: submitAfterMs }];
}

function actionOf(item: ExpectStep): LoginAction {
  if (item.do.kind === 'ask') return { type: 'ask', prompt: item.do.prompt };
  const { text, afterMs, repeats } = item.do;
  return { ...sending(text), ...(afterMs > 0 && { afterMs }), ...(repeats > 0 && { step: item.id }) };
}

function sending(text: string): Extract<LoginAction, { type: 'send' }> {
  return { type: 'send', text };
}

function asked(item: RpcStep): readonly LoginAction[] {
  return item.do.kind === 'ask' ? [{ type: 'ask', prompt: item.do.prompt }] : [];
}

/** A choice is named by its label, or by what it types. */
function chosen(
  choices: readonly { readonly label: string; readonly send: string }[],
  value: string,
): string | undefined {
  return choices.find(({ label, send }) => label === value || send === value)?.send;
}
