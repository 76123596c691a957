/**
 * The part of a test runner that the conformance suites use. vitest, jest and Node's own runner with an `expect`
 * library all fit, so the testkit imports none of them.
 */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => void | Promise<void>, timeoutMs?: number) => void;
  readonly expect: (value: unknown, message?: string) => Expectation;
}

export interface Expectation extends Matchers<void> {
  readonly resolves: Matchers<Promise<void>>;
  readonly rejects: Matchers<Promise<void>>;
}

interface Matchers<Outcome> {
  toBe(expected: unknown): Outcome;
  toEqual(expected: unknown): Outcome;
  toMatchObject(expected: object): Outcome;
  toBeUndefined(): Outcome;
  toBeGreaterThan(expected: number): Outcome;
  toBeLessThan(expected: number): Outcome;
}
