import type { JsonRecord } from '../provider/lenient-json.ts';
import { asRecord, nonEmpty } from '../provider/lenient-json.ts';
import { matchText } from '../provider/matcher.ts';
import { factsOf } from './facts.ts';
import { readRpcMessage, rpcLine, tryParseRpcLine } from './message.ts';
import type { RpcStep } from '../provider/rpc-step.ts';
import { paramsOf } from '../provider/rpc-step.ts';
import { fillTemplate, placesIn, valueAt } from '../provider/rpc-template.ts';

/** What is known of one connection with a CLI over JSON-RPC. A JSON value. */
export interface RpcConnection {
  readonly steps: readonly RpcStep[];
  /** What goes into the slots. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Ids of the steps that have fired. */
  readonly fired: readonly string[];
  /** Requests without a reply yet: step id → until when it has to be there. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly replies: Readonly<Record<string, unknown>>;
}

/** What was settled once with a process that takes several prompts. */
export interface RpcOpening {
  /** Ids of the steps that were taken. */
  readonly opening: readonly string[];
  /** The replies to those of them that are requests. */
  readonly replies: RpcConnection['replies'];
}

/** What one message has led to. */
export interface Turn {
  readonly connection: RpcConnection;
  /** The message; `undefined` for a line that is none. */
  readonly message: JsonRecord | undefined;
  readonly facts: readonly string[];
  /** Lines for the CLI. */
  readonly send: readonly string[];
  /** Steps whose question has to be put to the user. */
  readonly asking: readonly RpcStep[];
  /** The CLI answered one of our requests with an error: what it says. */
  readonly refusal: string | undefined;
}

/**
 * Begins a connection: the steps that wait for nothing fire. Pure, as all of it is: what the CLI says goes in,
 * what to tell it comes out, and a recording comes to the same each time.
 */
export function openRpcConnection(steps: readonly RpcStep[], values: Readonly<Record<string, unknown>>): Turn {
  const connection: RpcConnection = { steps, values, fired: [], waiting: {}, replies: {} };
  return fire(
    connection,
    steps.filter((step) => step.when === undefined),
    0,
  );
}

/**
 * Goes on where another connection with the same process has taken the steps `opening` and got `replies` to them. What
 * waits for those replies fires at once.
 */
export function resumeRpcConnection(
  steps: readonly RpcStep[],
  values: Readonly<Record<string, unknown>>,
  { opening, replies }: RpcOpening,
): Turn {
  const connection: RpcConnection = { steps, values, fired: opening, waiting: {}, replies };
  const heard = Object.entries(replies).map(([id, result]) => factsOf({ id, result }).join('\n'));
  const isDue = ({ id, when }: RpcStep): boolean =>
    !opening.includes(id) && (!when || heard.some((text) => matchText(when, text) !== undefined));
  return fire(connection, steps.filter(isDue), 0);
}

/** Takes one line of the CLI's output. `elapsedMs` counts from the beginning. */
export function receiveMessage(connection: RpcConnection, line: string, elapsedMs: number): Turn {
  const message = tryParseRpcLine(line);
  const read = message && readRpcMessage(message);
  if (!message || !read) return { ...fire(connection, [], elapsedMs), facts: [] };
  const facts = factsOf(message);
  if (read.type === 'reply') return { ...heardReply(connection, read, facts, elapsedMs), message, facts };
  const turn = fire(connection, dueSteps(connection, facts), elapsedMs);
  // Nobody is here to decide anything: what a CLI may do without asking is settled when it is started.
  const declined = { code: -32_601, message: 'This client answers no requests.' };
  const decline = read.type === 'request' ? [rpcLine({ id: read.id, error: declined })] : [];
  return { ...turn, message, facts, send: [...decline, ...turn.send] };
}

/** Whether a step has been taken that tells the CLI the prompt. */
export function hasToldPrompt({ steps, fired }: RpcConnection): boolean {
  const tells = (step: RpcStep): boolean =>
    placesIn(paramsOf(step)).some((place) => 'slot' in place && place.slot === 'prompt');
  return steps.some((step) => fired.includes(step.id) && tells(step));
}

/** Sends what a question's step says, with the answer in its place. */
export function answerStep(connection: RpcConnection, id: string, answer: string, elapsedMs: number): Turn {
  const step = connection.steps.find((candidate) => candidate.id === id);
  if (step?.do.kind !== 'ask') return fire(connection, [], elapsedMs);
  const values = { ...connection.values, answer };
  return request({ ...connection, values }, { ...step, do: { kind: 'request', ...step.do.request } }, elapsedMs);
}

/** The method of a request that was not answered in its time. */
export function overdueRequest({ steps, waiting }: RpcConnection, elapsedMs: number): string | undefined {
  const late = Object.entries(waiting).find(([, untilMs]) => elapsedMs >= untilMs)?.[0];
  const action = steps.find((step) => step.id === late)?.do;
  return action?.kind === 'ask' ? action.request.method : action?.method;
}

function heardReply(
  connection: RpcConnection,
  reply: { readonly id: string; readonly ok: boolean; readonly value: unknown },
  facts: readonly string[],
  elapsedMs: number,
): Turn {
  // A reply that nobody waits for may be a late or an invented one.
  if (!Object.hasOwn(connection.waiting, reply.id)) return fire(connection, [], elapsedMs);
  const { [reply.id]: _, ...waiting } = connection.waiting;
  const replies = reply.ok ? { ...connection.replies, [reply.id]: reply.value } : connection.replies;
  const next = { ...connection, waiting, replies };
  const turn = fire(next, dueSteps(next, facts), elapsedMs);
  return reply.ok ? turn : { ...turn, refusal: nonEmpty(asRecord(reply.value)['message']) ?? 'no reason given' };
}

/** Each step fires once. */
function dueSteps({ steps, fired }: RpcConnection, facts: readonly string[]): readonly RpcStep[] {
  const text = facts.join('\n');
  return steps.filter(({ id, when }) => when && !fired.includes(id) && matchText(when, text) !== undefined);
}

function fire(connection: RpcConnection, due: readonly RpcStep[], elapsedMs: number): Turn {
  const nothing = { message: undefined, facts: [], send: [], asking: [], refusal: undefined };
  const fired = [...connection.fired, ...due.map((step) => step.id)];
  return due.reduce<Turn>(
    (turn, step) => {
      if (step.do.kind === 'ask') return { ...turn, asking: [...turn.asking, step] };
      const sent = request(turn.connection, step, elapsedMs);
      return { ...turn, connection: sent.connection, send: [...turn.send, ...sent.send] };
    },
    { ...nothing, connection: { ...connection, fired } },
  );
}

function request(connection: RpcConnection, step: RpcStep, elapsedMs: number): Turn {
  const nothing = { message: undefined, facts: [], asking: [], refusal: undefined };
  const { id, do: action } = step;
  if (action.kind === 'ask') return { ...nothing, connection, send: [] };
  const { values, replies } = connection;
  const params = fillTemplate(paramsOf(step), (place) =>
    'slot' in place ? values[place.slot] : valueAt(replies[place.reply], place.at),
  );
  const call = { method: action.method, ...(params !== undefined && { params }) };
  if (action.kind === 'notify') return { ...nothing, connection, send: [rpcLine(call)] };
  const waiting = { ...connection.waiting, [id]: elapsedMs + action.replyWithinMs };
  return { ...nothing, connection: { ...connection, waiting }, send: [rpcLine({ id, ...call })] };
}
