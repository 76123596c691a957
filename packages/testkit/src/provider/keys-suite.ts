import type { LoginAction, LoginMethod, Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';
import { startLoginRun } from './login-run.ts';

/** How long the CLI of this suite paints before it listens. Claude Code 2.1.266 takes up to 100 ms. */
const DEAF_MS = 100;
/** Until the engine must have got its key through. */
const PATIENCE_MS = 20_000;

/**
 * Plays a CLI that paints a screen and loses every key that comes in the same moment. What the steps of a login type
 * must get through all the same, and must not reach the next screen too.
 */
export function keysSuite({ manifest }: Provider, { describe, it, expect }: TestRunner): void {
  const steps = manifest.logins.flatMap((method) => paintedSteps(method).map((step) => ({ method, step })));
  if (steps.length === 0) return;
  describe('a CLI that loses the keys of the moment in which it paints', () => {
    for (const { method, step } of steps) {
      it(`gets the key of the step ${step.id} of ${method.id}, once`, () => {
        const { taken, later } = playDeafCli(method, step.text);
        expect({ taken, later }).toEqual({ taken: 1, later: 0 });
      });
    }
  });
}

interface PaintedStep {
  readonly id: string;
  /** What the CLI paints to be sent the key. */
  readonly text: string;
}

/** A pattern cannot be painted; every step known so far waits for a text. */
function paintedSteps({ drive }: LoginMethod): readonly PaintedStep[] {
  if (drive.kind !== 'terminal') return [];
  return drive.steps.flatMap(({ id, when, do: { kind } }) =>
    kind === 'send' && 'text' in when ? [{ id, text: when.text }] : [],
  );
}

/** Counts the keys that the painted screen takes, and those that come when the next screen is there. */
function playDeafCli(method: LoginMethod, text: string): { readonly taken: number; readonly later: number } {
  const due: { readonly at: number; readonly step: string | undefined }[] = [];
  const counted = { taken: 0, later: 0 };
  let now = 0;
  const onAction = (action: LoginAction): void => {
    if (action.type === 'send') due.push({ at: now + (action.afterMs ?? 0), step: action.step });
  };
  let run = startLoginRun(method, { onAction });
  run = run.observe({ type: 'tick', elapsedMs: 0 });
  run = run.observe({ type: 'screen', screen: { lines: [text], links: [] } });
  for (; now <= PATIENCE_MS; now += 10) {
    if (now % 1000 === 0) run = run.observe({ type: 'tick', elapsedMs: now });
    while (due[0] !== undefined && due[0].at <= now) {
      const { step } = due.shift() ?? {};
      if (step !== undefined) run = run.observe({ type: 'typed', step });
      if (now < DEAF_MS) continue;
      counted[counted.taken === 0 ? 'taken' : 'later'] += 1;
      run = run.observe({ type: 'screen', screen: { lines: ['The next screen'], links: [] } });
    }
  }
  return counted;
}
