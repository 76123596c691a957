import { promptEventSchema } from '@sallyport/core';
import type { Observation, PromptEvent, PromptParser, Provider } from '@sallyport/core';

import type { TestRunner } from '../runner.ts';
import { seededRandom } from './splits.ts';

/** A recorded headless run and what it comes to. */
export interface HeadlessCase {
  readonly name: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
  /** Fields that its `prompt-end` has to have. */
  readonly end: object;
  /** The answer, concatenated. */
  readonly text?: string;
}

const MUTATIONS = 2000;

export function headlessSuite(
  { parse }: Provider,
  cases: readonly HeadlessCase[],
  { describe, it, expect }: TestRunner,
): void {
  if (!parse) return;
  const check = (events: readonly PromptEvent[]): void => {
    expect(events.filter((event) => !promptEventSchema.safeParse(event).success)).toEqual([]);
    expect(events.filter((event) => event.type === 'prompt-end').length).toBe(1);
    expect(events.at(-1)?.type).toBe('prompt-end');
  };

  describe('the output parser', () => {
    for (const item of cases) {
      it(`understands ${item.name}`, () => {
        const events = run(parse, observationsOf(item));
        check(events);
        expect(events.at(-1)).toMatchObject(item.end);
        if (item.text !== undefined) expect(textIn(events)).toBe(item.text);
      });
    }

    it(`survives ${MUTATIONS} lines that no CLI ever wrote`, () => {
      const lines = cases.flatMap(({ stdout }) => stdout.split('\n')).filter((line) => line !== '');
      const random = seededRandom('lines');
      const hostile = Array.from({ length: MUTATIONS }, (): Observation => {
        const line = lines[Math.floor(random() * lines.length)] ?? '';
        return { type: random() < 0.9 ? 'stdout' : 'stderr', line: mutated(line, random) };
      });
      check(run(parse, [...hostile, { type: 'exit', code: 1, signal: null }, ...hostile.slice(0, 50)]));
    });

    it('ends once, also without any output, and after a signal', () => {
      check(run(parse, [{ type: 'exit', code: 0, signal: null }]));
      check(run(parse, [{ type: 'exit', code: null, signal: 'SIGKILL' }]));
    });

    it('keeps a state that survives JSON', () => {
      for (const item of cases) {
        let state = parse.initial();
        const events = observationsOf(item).flatMap((observation) => {
          const step = parse.step(JSON.parse(JSON.stringify(state)), observation);
          state = step.state;
          return step.events;
        });
        expect(events).toEqual(run(parse, observationsOf(item)));
      }
    });
  });
}

function observationsOf({ stdout, stderr, exit }: HeadlessCase): readonly Observation[] {
  const lines = (type: 'stdout' | 'stderr', text: string): Observation[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ type, line }));
  return [...lines('stdout', stdout), ...lines('stderr', stderr), { type: 'exit', code: exit, signal: null }];
}

function run(parse: PromptParser, observations: readonly Observation[]): readonly PromptEvent[] {
  let state = parse.initial();
  return observations.flatMap((observation) => {
    const step = parse.step(state, observation);
    state = step.state;
    return step.events;
  });
}

function textIn(events: readonly PromptEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
}

/** The line cut off, with values of other types, with other bytes, or replaced by bytes altogether. */
function mutated(line: string, random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit);
  const values = ['null', '0', '-1e999', '[]', '{}', '"\\u0000"', 'true', `"${'x'.repeat(5000)}"`];
  const noise = (): string => String.fromCharCode(...Array.from({ length: 1 + below(40) }, () => below(0x3000)));
  switch (below(4)) {
    case 0:
      return line.slice(0, below(line.length + 1));
    case 1: {
      let left = below(6);
      return line.replace(/(?<=:)("(?:[^"\\]|\\.)*"|\d+|null|\{[^{}]*\})/g, (value) =>
        left-- === 0 ? (values[below(values.length)] ?? value) : value,
      );
    }
    case 2: {
      const at = below(line.length + 1);
      return line.slice(0, at) + noise() + line.slice(at);
    }
    default:
      return noise();
  }
}
