import { asRecord, tryParseJson } from '@sallyport/core/driver';
import { promptEventSchema } from '@sallyport/core/protocol';
import type { PromptEvent } from '@sallyport/core';
import type { Observation, PromptParser, Provider } from '@sallyport/core/provider';
import { createLineSplitter, LONGEST_LINE } from '@sallyport/agent/terminal';
import * as fc from 'fast-check';

import { checkProperty } from '../check-property.ts';
import type { TestRunner } from '../runner.ts';
import { inColours, steering, withLongLines, withLongText } from './odd-output.ts';

/** A recorded headless run and what it comes to. */
export interface HeadlessCase {
  readonly name: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Of a CLI that speaks JSON-RPC: its messages, one a line. */
  readonly rpc?: string;
  readonly exit: number;
  /** Fields that its `prompt-end` has to have. */
  readonly end: object;
  /** The answer, concatenated. */
  readonly text?: string;
}

const RUNS = 1000;

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
        const events = readPrompt(parse, observationsOf(item));
        check(events);
        expect(events.at(-1)).toMatchObject(item.end);
        if (item.text !== undefined) expect(textIn(events)).toBe(item.text);
        // A server takes such a run for a failed one.
        if (outcomeOf(events) === 'completed')
          expect(events.some(isAnswer), 'the parser makes something of the answer').toBe(true);
      });
    }

    for (const item of cases) {
      it(`understands ${item.name} among sequences that steer a terminal, and with colours in its texts`, () => {
        const plain = readPrompt(parse, observationsOf(item));
        expect(readPrompt(parse, observationsOf(withText(item, steering)))).toEqual(plain);
        const coloured = readPrompt(parse, observationsOf(withText(item, inColours)));
        check(coloured);
        // A failure may go by the very words of the CLI. What its tools print is in runs that end well.
        if (outcomeOf(plain) === 'completed') expect(outcomeOf(coloured)).toBe('completed');
      });

      it(`understands ${item.name} with a line of 5 MB`, () => {
        const outcome = outcomeOf(readPrompt(parse, observationsOf(item)));
        for (const lengthen of [withLongText, withLongLines]) {
          const events = readPrompt(parse, observationsOf(withText(item, lengthen)));
          check(events);
          expect(outcomeOf(events)).toEqual(outcome);
        }
      });
    }

    it('never throws, whatever bytes arrive, and still ends once', async () => {
      await checkProperty(
        fc.property(fc.array(anyObservation(cases), { maxLength: 30 }), anyExit, fc.boolean(), (seen, exit, goesOn) => {
          check(readPrompt(parse, [...seen, exit, ...(goesOn ? seen : [])]));
        }),
        { runs: RUNS },
      );
    }, 60_000);

    it('ends once, also without any output, and after a signal', () => {
      check(readPrompt(parse, [{ type: 'exit', code: 0, signal: null }]));
      check(readPrompt(parse, [{ type: 'exit', code: null, signal: 'SIGKILL' }]));
    });

    it('keeps a state that survives JSON', () => {
      for (const item of cases) {
        let state = parse.initial();
        const events = observationsOf(item).flatMap((observation) => {
          const step = parse.step(JSON.parse(JSON.stringify(state)), observation);
          state = step.state;
          return step.events;
        });
        expect(events).toEqual(readPrompt(parse, observationsOf(item)));
      }
    });
  });
}

/** Neither the end nor a line that could not be read. */
function isAnswer(event: PromptEvent): boolean {
  return event.type !== 'prompt-end' && event.type !== 'notice';
}

/** What the agent makes of the output: lines without sequences that steer a terminal, and none too long. */
export function observationsOf({ stdout, stderr, rpc = '', exit }: HeadlessCase): readonly Observation[] {
  const lines = (type: 'stdout' | 'stderr', text: string): Observation[] =>
    linesOf(text).map((line) => ({ type, line }));
  const messages = linesOf(rpc).flatMap(rpcObservation);
  return [
    ...lines('stdout', stdout),
    ...messages,
    ...lines('stderr', stderr),
    { type: 'exit', code: exit, signal: null },
  ];
}

function linesOf(text: string): readonly string[] {
  const splitter = createLineSplitter(LONGEST_LINE);
  const lines = [...splitter.push(Buffer.from(text)), ...splitter.end()];
  return lines.map((line) => line.text).filter((line) => line !== '');
}

function rpcObservation(line: string): readonly Observation[] {
  const message = asRecord(tryParseJson(line));
  return Object.keys(message).length === 0 ? [] : [{ type: 'rpc', message }];
}

export function readPrompt(parse: PromptParser, observations: readonly Observation[]): readonly PromptEvent[] {
  let state = parse.initial();
  return observations.flatMap((observation) => {
    const step = parse.step(state, observation);
    state = step.state;
    return step.events;
  });
}

/** The case with what was printed to its standard output changed. */
function withText(item: HeadlessCase, change: (text: string) => string): HeadlessCase {
  return { ...item, stdout: change(item.stdout), ...(item.rpc !== undefined && { rpc: change(item.rpc) }) };
}

function outcomeOf(events: readonly PromptEvent[]): unknown {
  const last = events.at(-1);
  return last?.type === 'prompt-end' ? last.outcome : last;
}

function textIn(events: readonly PromptEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
}

/** Lines nobody meant: bytes, JSON of other shapes, and recorded lines cut off, overwritten or with other values. */
function anyObservation(cases: readonly HeadlessCase[]): fc.Arbitrary<Observation> {
  const recorded = cases.flatMap(observationsOf).flatMap((seen) => {
    if (seen.type === 'exit') return [];
    return [seen.type === 'rpc' ? JSON.stringify(seen.message) : seen.line];
  });
  const bytes = fc.uint8Array({ maxLength: 300 }).map((values) => Buffer.from(values).toString('utf8'));
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const spoilt = fc
    .tuple(fc.constantFrom('', ...recorded), place, place, fc.oneof(bytes, fc.json()))
    .map(([line, from, length, other]) => {
      const start = Math.floor(from * line.length);
      return line.slice(0, start) + other + line.slice(start + Math.floor(length * (line.length - start)));
    });
  const revalued = fc
    .tuple(fc.constantFrom('', ...recorded), fc.nat(12), fc.json({ maxDepth: 2 }))
    .map(([line, which, value]) => {
      let left = which;
      return line.replace(/(?<=:)("(?:[^"\\]|\\.)*"|-?\d+|null|true|false|\{[^{}]*\})/g, (old) =>
        left-- === 0 ? value : old,
      );
    });
  const type = fc.constantFrom('stdout' as const, 'stdout' as const, 'stderr' as const);
  const line = fc.oneof(bytes, fc.json(), spoilt, revalued);
  // A CLI that speaks JSON-RPC prints lines that are not messages, too.
  const message = line.map((text): Observation => rpcObservation(text)[0] ?? { type: 'stdout', line: text });
  return fc.oneof(fc.record({ type, line }), message);
}

const anyExit: fc.Arbitrary<Observation> = fc.oneof(
  fc.record({ type: fc.constant('exit' as const), code: fc.integer({ min: 0, max: 255 }), signal: fc.constant(null) }),
  fc.constant({ type: 'exit' as const, code: null, signal: 'SIGKILL' }),
);
