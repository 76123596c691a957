import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';

import { manifestSchema } from './manifest.ts';
import { matcherSchema, matchText, problemOfPatterns } from './matcher.ts';
import { matchedLength, patternLimits, patternStates } from './pattern.ts';
import { estimateStates } from './pattern-size.ts';

const optionals = (count: number): string => `(?:a?){${count}}$`;

function problemOf(pattern: string): string {
  return matcherSchema.safeParse({ pattern }).error?.message ?? 'accepted';
}

describe('the limits of a pattern', () => {
  it.each([
    ['((a?){30}){30}', /is too large: it has about \d+ states, and at most 250/],
    [`(${'a'.repeat(480)}){1000}`, /is too large: it has about \d+ states/],
    // Flags between a repetition and what it repeats change nothing about that.
    [`(?:${'a'.repeat(400)}){30}(?s){30}`, /is too large: it has about \d+ states/],
    ['(?:\\pL{1000})'.repeat(20), /is too large: it has about \d+ states/],
    [optionals(200), /is too large: it has 403 states/],
    ['(a)'.repeat(11), /is too large: it has 11 capture groups, and at most 10/],
    ['a'.repeat(501), /is too large: it has 501 characters, and at most 500/],
    ['(?=x)', /is not an RE2 pattern/],
  ])('refuse %s when the manifest is read', (pattern, message) => {
    expect(problemOf(pattern)).toMatch(message);
  });

  it('allow what real CLIs need', () => {
    expect(problemOf('"is_error":true,.*"result":"(Not logged in|Failed to authenticate|Invalid API key)')).toBe(
      'accepted',
    );
    expect(problemOf('^sk-ant-api[0-9]{2}-[A-Za-z0-9_-]{20,}$')).toBe('accepted');
    expect(problemOf('[{(]{2}\\{9999\\}[^]{9999}]\\Q{9999}\\E')).toBe('accepted');
  });

  it('are those of every pattern in a manifest: there is no other field with one', () => {
    const [, pattern] = matcherSchema.options;
    expect([...schemasWithPattern(manifestSchema)]).toEqual([pattern]);
  });

  it('hold for the patterns of a manifest together, wherever they are', () => {
    const many = (count: number, pattern: string) => ({
      logins: [{ steps: Array.from({ length: count }, () => ({ when: { pattern } })) }],
    });
    expect(problemOfPatterns(many(100, 'a'))).toBeUndefined();
    expect(problemOfPatterns(many(101, 'a'))).toBe('has 101 patterns, and at most 100 are allowed');
    expect(problemOfPatterns(many(30, optionals(120)))).toBe(
      `has patterns with ${30 * patternStates(optionals(120))} states altogether, and at most 6000 are allowed`,
    );
  });

  it('bound the steps of one match by states times characters', () => {
    const largest = optionals(123);
    expect(patternStates(largest)).toBeGreaterThan(patternLimits.states - 3);
    for (const states of [2, 10, 100, patternStates(largest)]) {
      expect(states * matchedLength(states)).toBeLessThanOrEqual(patternLimits.steps);
    }
    const text = 'x'.repeat(matchedLength(patternStates('^(x+)$')));
    expect(matchText({ pattern: '^(x+)$' }, `${text}\n${'y'.repeat(10)}`)).toBeUndefined();
  });

  it('do not take the place where a text is cut for the start of a line or a word', () => {
    const pattern = `^x|${'y'.repeat(240)}`;
    const kept = matchedLength(patternStates(pattern));
    expect(matchText({ pattern }, `zz${'x'.repeat(kept)}`)).toBeUndefined();
    expect(matchText({ pattern }, `z\n${'x'.repeat(kept)}`)).toBe('x');
  });
});

describe('the estimate of states', () => {
  it.each([
    ['[]a]{9}', 9],
    ['[^]a]{9}', 9],
    ['[[:alpha:]x]{9}', 9],
    ['[a\\]]{9}', 9],
    ['\\p{Greek}{9}', 9],
    ['\\x{61}{9}', 9],
    ['(?P<name>a){9}', 9],
    ['\\Q(\\E{9}', 9],
    ['a\\Q\\E{9}', 9],
    ['\\Qab\\E{9}', 9],
    ['\\({9}', 9],
    ['(((a{2}){3}){4}){5}', 120],
    ['\\pL{0,9}(?s){0,9}', 81],
  ])('is not fooled by %s', (pattern, copies) => {
    const states = RE2JS.compile(pattern).programSize();
    expect(states).toBeGreaterThanOrEqual(copies);
    expect(estimateStates(pattern)).toBeGreaterThanOrEqual(states * 0.8);
    expect(estimateStates(pattern)).toBeLessThanOrEqual(states * 4);
  });
});

/** Every object in a schema that has a text field named `pattern`. */
function schemasWithPattern(schema: z.ZodType, seen = new Set<unknown>()): Set<z.ZodType> {
  const found = new Set<z.ZodType>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (isSchema(value)) {
      const { def } = value;
      if ('shape' in def && typeof def.shape === 'object' && def.shape !== null && 'pattern' in def.shape)
        found.add(value);
      Object.values(def).forEach(visit);
    } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
      Object.values(value).forEach(visit);
    }
  };
  visit(schema);
  return found;
}

function isSchema(value: object): value is z.ZodType {
  return '_zod' in value && 'def' in value;
}
