import { describe, expect, it } from 'vitest';

import { findsTitle, findUnproven, parseSecurityRows, resolveCitation } from './setup/cited-tests.ts';
import type { CitedFile, FinishedRun, TestOutcome } from './setup/cited-tests.ts';

const file = 'packages/core/src/login-engine/url-guard.test.ts';
const cite = (title?: string): CitedFile => ({ attack: 'Phishing', file, title });
const outcome = (state: string, ...titles: string[]): TestOutcome => ({ titles, state });
const ran = (...tests: TestOutcome[]): FinishedRun['outcomes'] => new Map([[file, tests]]);
const unproven = (cited: readonly CitedFile[], outcomes: FinishedRun['outcomes'], mayBeSkipped = false) =>
  findUnproven({ cited, outcomes, isDue: () => true, allowsSkipped: (name) => mayBeSkipped && name === file });

describe('a row of the table', () => {
  it('cites a file below packages or the root, a title in it, or the name of a suite', () => {
    const [row] = parseSecurityRows(
      '| Attack | Defence | Shown by |\n| --- | --- | --- |\n| Phishing | a guard | `core/src/login-engine/url-guard.test.ts › a › b`, `describeDriver` |',
    );
    expect(row).toEqual({
      attack: 'Phishing',
      cited: ['core/src/login-engine/url-guard.test.ts › a › b', 'describeDriver'],
    });
    expect(resolveCitation('Phishing', 'core/src/login-engine/url-guard.test.ts › a › b')).toEqual([cite('a › b')]);
  });

  it('is shown by a file whose tests all passed', () => {
    const tests = ran(outcome('passed', 'guard', 'refuses'), outcome('passed', 'guard', 'accepts'));
    expect(unproven([cite(), cite('refuses'), cite('guard'), cite('guard › refuses')], tests)).toEqual([]);
  });

  it.each([
    ['did not run', cite(), new Map(), 'did not run'],
    ['has no tests', cite(), ran(), 'is not among the tests that ran'],
    ['has no test with this title', cite('refuse'), ran(outcome('passed', 'refuses')), 'is not among'],
    ['has a test that failed', cite(), ran(outcome('passed', 'a'), outcome('failed', 'b')), 'failed'],
  ])('is not shown by a file that %s', (_what, citation, tests, words) => {
    expect(unproven([citation, citation], tests)).toEqual([expect.stringMatching(`^Phishing: ${file}.* ${words}`)]);
  });

  it.each(['skipped', 'pending', 'todo'])('is not shown by a test that was %s, unless that is allowed', (state) => {
    const tests = ran(outcome('passed', 'a'), outcome(state, 'b'));
    expect(unproven([cite()], tests)).toEqual([expect.stringContaining(`Phishing: ${file} was skipped`)]);
    expect(unproven([cite()], tests, true)).toEqual([]);
    expect(unproven([cite('a')], tests)).toEqual([]);
  });

  it('is not asked of a run that was not to include its file, unless it did', () => {
    const run = { cited: [cite()], isDue: () => false, allowsSkipped: () => false };
    expect(findUnproven({ ...run, outcomes: new Map() })).toEqual([]);
    expect(findUnproven({ ...run, outcomes: ran(outcome('failed', 'a')) })).toHaveLength(1);
  });
});

describe('a cited title', () => {
  const finds = (path: string, title: string): boolean => findsTitle({ attack: 'any', file: path, title });

  it('stands in its file, or in the suite that the file runs', () => {
    expect(finds('test/architecture.test.ts', 'a disk that a guest has written')).toBe(true);
    expect(finds('test/postgres-store.test.ts', 'history')).toBe(true);
    expect(
      finds(
        'e2e/host/process-driver.e2e.ts',
        'keeps a CLI from what another one has and does, or says that it does not',
      ),
    ).toBe(true);
  });

  it('is not found if it was renamed, is a part of another, or stands in a suite that the file does not run', () => {
    expect(finds('test/architecture.test.ts', 'a disk that a guest wrote')).toBe(false);
    expect(finds('test/architecture.test.ts', 'a disk that a guest')).toBe(false);
    expect(finds('test/architecture.test.ts', 'history')).toBe(false);
    expect(finds('test/postgres-store.test.ts', 'history › anything else')).toBe(false);
  });
});
