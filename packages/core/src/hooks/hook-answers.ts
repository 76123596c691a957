import type { HookName } from './hooks.ts';
import { promptEventSchema } from '../contracts/prompt-event.ts';

/**
 * Whether what a tap returned is an answer at all, checked at once, so that the plugin that is at fault is named
 * and the next one never sees it. Returns the answer, or throws a plain error that says what is wrong with it.
 * How far an answer may go is decided later, by the clamps.
 */
export function acceptAnswer(hook: HookName, answer: unknown, args: readonly unknown[]): unknown {
  // tapable: `undefined` passes, whereas `null` is an answer like any other.
  return answer === undefined ? undefined : answerRules[hook](answer, args[0]);
}

type Rule = (answer: unknown, given: unknown) => unknown;

const nothing: Rule = () => undefined;
const plan: Rule = (answer) => demand(isObject(answer), answer, 'a plan');
const text: Rule = (answer) => demand(typeof answer === 'string' && answer !== '', answer, 'a text');

const answerRules: Readonly<Record<HookName, Rule>> = {
  'machine.plan': plan,
  'network.plan': plan,
  'prompt.plan': plan,
  'machine.started': nothing,
  'machine.stopping': nothing,
  'credential.captured': nothing,
  event: nothing,
  'credential.release': text,
  'login.url': (answer) =>
    demand(answer === 'show' || answer === 'browser' || answer === 'refuse', answer, "'show', 'browser' or 'refuse'"),
  'login.method': (answer, methods) => {
    const chosen =
      isObject(answer) && Array.isArray(methods)
        ? methods.find((method: unknown) => isObject(method) && method['id'] === answer['id'])
        : undefined;
    return demand(chosen !== undefined, answer, 'one of the methods given') && chosen;
  },
  'login.prompt': (answer, prompt) => {
    const choices = isObject(prompt) && Array.isArray(prompt['choices']) ? prompt['choices'] : undefined;
    if (choices) {
      const known = choices.some(
        (choice: unknown) => isObject(choice) && (choice['send'] === answer || choice['label'] === answer),
      );
      return demand(known, answer, 'one of the choices');
    }
    // It is typed into a terminal: a control character would be a key press.
    const typeable = typeof answer === 'string' && answer.length <= 4096 && !/\p{Cc}/u.test(answer);
    return demand(typeable, answer, 'a text without control characters');
  },
  'prompt.event': (answer, given) => {
    if (answer === given) return answer;
    const event = promptEventSchema.safeParse(answer);
    const before = promptEventSchema.safeParse(given);
    demand(event.success && event.data.type === before.data?.type, answer, 'an event of the same type');
    // The first and the last event of a prompt are what the store and the page steer by.
    const steering =
      event.data?.type === 'prompt-end' ? 'outcome' : event.data?.type === 'prompt-start' ? 'promptId' : undefined;
    const same = steering === undefined || valueOf(event.data, steering) === valueOf(before.data, steering);
    return demand(same, answer, `an event with the same ${steering}`) && event.data;
  },
};

function demand(accepted: boolean, answer: unknown, wanted: string): unknown {
  if (accepted) return answer;
  const got = answer === null ? 'null' : Array.isArray(answer) ? 'an array' : `a value of type ${typeof answer}`;
  throw new TypeError(`It has to return ${wanted} or undefined; it returned ${got} that does not fit.`);
}

function valueOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
