import { isDeepStrictEqual } from 'node:util';

import { paramsOf } from './rpc-step.ts';
import type { RpcStep } from './rpc-step.ts';
import { placesIn } from './rpc-template.ts';

/** What is wrong with the steps that a resident process takes once; `undefined` where nothing is. */
export function problemOfOpening(
  opening: readonly string[],
  steps: readonly RpcStep[],
  resumeSteps: readonly RpcStep[] = steps,
): string | undefined {
  const find = (among: readonly RpcStep[], id: string): RpcStep | undefined => among.find((step) => step.id === id);
  for (const id of opening) {
    const step = find(steps, id);
    if (!step) return `names the step "${id}", which is not among the steps`;
    if (!isDeepStrictEqual(step, find(resumeSteps, id))) return `names the step "${id}", which differs in resumeSteps`;
    for (const place of placesIn(paramsOf(step))) {
      // Each prompt fills its slots, and the steps of a conversation come after the opening.
      if ('slot' in place) return `names the step "${id}", which has a place for "${place.slot}"`;
      if (!opening.includes(place.reply)) return `names the step "${id}", which uses the reply to "${place.reply}"`;
    }
  }
  return [steps, resumeSteps].every((all) => all.some((step) => !opening.includes(step.id)))
    ? undefined
    : 'names every step, so that none is left for a prompt';
}
