import { promptEventSchema } from '../contracts/prompt-event.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';
import type { Question } from '../provider/question.ts';

/**
 * Whether what a tap returned is an answer at all, checked at once, so that the plugin at fault is named and the next
 * one never sees it. How far an answer may go is decided later, by the clamps.
 */

export function acceptNothing(): undefined {
  return undefined;
}

/** A plan with any members: the clamps bring back those that are not what they should be. */
export function acceptPlan(answer: unknown): unknown {
  demand(isObject(answer), answer, 'a plan');
  return answer;
}

export function acceptText(answer: unknown): unknown {
  demand(typeof answer === 'string' && answer !== '', answer, 'a text');
  return answer;
}

export function acceptUrlDecision(answer: unknown): unknown {
  const isDecision = answer === 'show' || answer === 'browser' || answer === 'refuse';
  demand(isDecision, answer, "'show', 'browser' or 'refuse'");
  return answer;
}

/** Known by its id. What the plugin changed in it does not count. */
export function acceptMethod(answer: unknown, [methods]: readonly [readonly OfferedMethod[], ...unknown[]]): unknown {
  const chosen = isObject(answer) ? methods.find(({ id }) => id === answer['id']) : undefined;
  demand(chosen !== undefined, answer, 'one of the methods given');
  return chosen;
}

export function acceptAnswer(answer: unknown, [{ choices }]: readonly [Question, ...unknown[]]): unknown {
  if (choices) {
    const isChoice = choices.some(({ send, label }) => send === answer || label === answer);
    demand(isChoice, answer, 'one of the choices');
    return answer;
  }
  // It is typed into a terminal: a control character would be a key press.
  const isTypeable = typeof answer === 'string' && answer.length <= 4096 && !/\p{Cc}/u.test(answer);
  demand(isTypeable, answer, 'a text without control characters');
  return answer;
}

export function acceptPromptEvent(answer: unknown, [given]: readonly [PromptEvent, ...unknown[]]): unknown {
  if (answer === given) return answer;
  const { data: event } = promptEventSchema.safeParse(answer);
  demand(event?.type === given.type, answer, 'an event of the same type');
  // The first and the last event of a prompt are what the store and the page steer by.
  const steering = event?.type === 'prompt-end' ? 'outcome' : event?.type === 'prompt-start' ? 'promptId' : undefined;
  const isSame = steering === undefined || memberOf(event, steering) === memberOf(given, steering);
  demand(isSame, answer, `an event with the same ${steering}`);
  return event;
}

function demand(accepted: boolean, answer: unknown, wanted: string): void {
  if (accepted) return;
  const got = answer === null ? 'null' : Array.isArray(answer) ? 'an array' : `a value of type ${typeof answer}`;
  throw new TypeError(`It has to return ${wanted} or undefined; it returned ${got} that does not fit.`);
}

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
