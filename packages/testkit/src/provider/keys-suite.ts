import type { LoginAction } from '@sallyport/core/engine';
import type { LoginMethod, Provider } from '@sallyport/core/provider';

import type { TestRunner } from '../runner.ts';
import { startLoginRun } from './login-run.ts';

type ExpectStep = Extract<LoginMethod['drive'], { kind: 'terminal' }>['steps'][number];

/** How long the CLI of this suite paints before it listens. Claude Code 2.1.266 takes up to 100 ms. */
const DEAF_MS = 100;
/** Until the engine must have got its key through. */
const PATIENCE_MS = 20_000;

/**
 * Plays a CLI that paints a screen and loses every key that comes in the same moment. What the steps of a login type
 * must get through all the same, and must not reach the next screen too.
 */
export function keysSuite({ manifest }: Provider, { describe, it, expect }: TestRunner): void {
  const all = manifest.logins.flatMap(({ drive }) => (drive.kind === 'terminal' ? drive.steps : []));
  for (const method of manifest.logins) {
    if (method.drive.kind !== 'terminal' || method.drive.steps.length === 0) continue;
    it(`a CLI that asks nothing yet gets no key of ${method.id}, and its user no question`, () => {
      const early = method.drive.steps.flatMap(({ id }) =>
        screensBefore(id, all).flatMap((screen) => (isDone(method, id, screen) ? [`${id}: ${screen}`] : [])),
      );
      expect(early).toEqual([]);
    });
  }
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

/** How long a step is watched. */
const WATCHED_MS = 5000;

/** What a CLI may show before it asks: nothing, a word, all but the last letter of its question, another question. */
function screensBefore(id: string, steps: readonly ExpectStep[]): readonly string[] {
  const texts = steps.flatMap((step) => ('text' in step.when ? [{ id: step.id, text: step.when.text }] : []));
  const own = texts.filter((step) => step.id === id).map(({ text }) => text);
  const others = texts.map(({ text }) => text).filter((text) => !own.some((each) => text.includes(each)));
  return ['', 'Loading…', ...own.map((text) => text.slice(0, -1)), ...others];
}

/** Whether this step alone types or asks something where a CLI shows this. */
function isDone(method: LoginMethod, id: string, line: string): boolean {
  const { drive } = method;
  if (drive.kind !== 'terminal') return false;
  const alone = { ...method, drive: { ...drive, steps: drive.steps.filter((step) => step.id === id) } };
  let run = startLoginRun(alone).observe({ type: 'tick', elapsedMs: 0 });
  run = run.observe({ type: 'screen', screen: { lines: line.split('\n'), links: [] } });
  for (let now = 1000; now <= WATCHED_MS; now += 1000) run = run.observe({ type: 'tick', elapsedMs: now });
  return run.outcome.sent.length + run.outcome.asked.length > 0;
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
