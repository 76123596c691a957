import { expect, it } from 'vitest';

import { problemOfOpening } from './opening-steps.ts';
import type { RpcStep } from './rpc-step.ts';

const request = (id: string, params?: Readonly<Record<string, object | string>>): RpcStep => ({
  id,
  do: {
    kind: 'request',
    method: id,
    ...(params && { params: JSON.parse(JSON.stringify(params)) }),
    replyWithinMs: 1000,
  },
});
const hello = request('hello', { name: 'sallyport' });
const say = request('say', { text: { slot: 'prompt' } });
const named = request('named', { as: { reply: 'hello', at: '/name' } });

it('an opening has steps that every prompt would take in the same way', () => {
  expect(problemOfOpening(['hello'], [hello, say])).toBeUndefined();
  expect(problemOfOpening(['hello', 'named'], [hello, named, say], [hello, named, say])).toBeUndefined();
});

it.each<[readonly string[], readonly RpcStep[], readonly RpcStep[] | undefined, string]>([
  [['bye'], [hello, say], undefined, 'names the step "bye", which is not among the steps'],
  [['hello'], [hello, say], [say], 'names the step "hello", which differs in resumeSteps'],
  [['hello'], [hello, say], [request('hello'), say], 'names the step "hello", which differs in resumeSteps'],
  [['say'], [hello, say], undefined, 'names the step "say", which has a place for "prompt"'],
  [['named'], [hello, named, say], undefined, 'names the step "named", which uses the reply to "hello"'],
  [['hello'], [hello], undefined, 'names every step, so that none is left for a prompt'],
])('an opening %j is refused otherwise: %#', (opening, steps, resumeSteps, words) => {
  expect(problemOfOpening(opening, steps, resumeSteps)).toBe(words);
});
