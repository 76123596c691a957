import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import { HANG_LIMIT_MS } from '../e2e/support/hang-limit.ts';

/**
 * A unit test has the same result on an idle host and on a busy one, alone and beside others. So it reads no clock, waits for no
 * time to pass, and shares no port and no path with its neighbors. What it may use instead: a virtual clock, and the helpers in
 * `test/setup`, each of which waits for a condition and takes no milliseconds.
 */
const root = resolve(import.meta.dirname, '..');
const own = 'test/determinism.test.ts';

const rules = {
  'reads the clock': /\b(?:Date\.now|performance\.now|process\.hrtime(?:\.bigint)?)\(|\bnew Date\(\)/,
  'waits for time to pass':
    /\bsystemClock\.sleep\(|(?<!\w)setTimeout\(|setTimeout as |\bscheduler\b|\bvi\.waitUntil\(|\bAbortSignal\.timeout\(\d{1,3}\)/,
  'asserts how much memory this process takes': /\bprocess\.memoryUsage\b/,
  'has a time limit that a busy host can exceed': /[{,] timeout: |^\s*\}\)?, [\d_]+\);$/,
  'starts a program that ends by itself while it should still run': /(?<!while.*)\bsleep [1-9]\d(?!\d)/,
  'listens on a port that others may have': /\.listen\([1-9]/,
  'writes to a path that others may have': /(?:mkdir|writeFile|open|rm)(?:Sync)?\(\s*['"`]\/tmp\b/,
} as const;

type Rule = keyof typeof rules;

/** Files that may break one rule, each with the reason. */
const exceptions: Readonly<Record<string, Partial<Record<Rule, string>>>> = {
  'packages/core/src/base/clock.test.ts': {
    'reads the clock': 'tests the system clock',
    'waits for time to pass': 'tests the system clock',
  },
  'packages/machines/src/process/driver.test.ts': {
    'listens on a port that others may have': 'inside a machine with its own network namespace',
  },
  'examples/webhook/src/webhook.test.ts': {
    'reads the clock': 'the library that verifies signatures compares timestamps with the real time',
  },
  // A TLS client compares a certificate with the real time.
  'test/egress.test.ts': { 'reads the clock': 'makes a certificate that is valid now' },
  'test/check-egress.test.ts': { 'reads the clock': 'makes a certificate that is valid now' },
};

const files = globSync('{packages,examples}/*/src/**/*.test.ts', { cwd: root })
  .concat(globSync('{test,bench}/**/*.test.ts', { cwd: root }))
  .filter((file) => file !== own && !file.includes('node_modules'));

/** Helpers and suites that wait, each for a condition. Programs that a test runs elsewhere are among them. */
const waiting = [
  'packages/testkit/src/driver-suite/home-programs.ts',
  'packages/testkit/src/driver-suite/homes.ts',
  'test/setup/read-slowly.ts',
  'test/setup/until.ts',
];

it('only the helpers and suites known to wait for a condition use a timer', () => {
  const helpers = globSync('packages/testkit/src/{driver,egress,store}-suite/**/*.ts', { cwd: root })
    .concat(
      globSync('{test/setup/*,packages/testkit/src/provider/*,packages/testkit/src/{driver,egress,store}}.ts', {
        cwd: root,
      }),
    )
    .filter((file) => !file.endsWith('.test.ts'));
  const timed = helpers.filter((file) => rules['waits for time to pass'].test(readFileSync(join(root, file), 'utf8')));
  expect(timed.toSorted()).toEqual(waiting);
});

describe('properties', () => {
  const checker = 'packages/testkit/src/check-property.ts';
  /** Draws inputs with fixed seeds, without checking a property. */
  const sampler = 'bench/stalls.ts';
  /** How fast-check is called past the one function that knows the seeds. */
  const direct =
    /\bfc\.(?:assert|check|sample|statistics|configureGlobal)\(|\{[^}]*\b(?:assert|check|sample|statistics|configureGlobal)\b[^}]*\} from 'fast-check'|import fc\b/;

  it('are checked with the seeds that all of them share', () => {
    const users = globSync('{packages,examples}/*/src/**/*.ts', { cwd: root })
      .concat(globSync('{test,bench,e2e,scripts}/**/*.ts', { cwd: root }))
      .filter((file) => !file.includes('node_modules') && file !== own)
      .filter((file) => readFileSync(join(root, file), 'utf8').includes("'fast-check'"));
    expect(users).toContain(checker);
    expect(users.length).toBeGreaterThan(5);
    expect(users.filter((file) => direct.test(readFileSync(join(root, file), 'utf8')))).toEqual([checker, sampler]);
  });

  it.each([
    'await fc.assert(property, { seed: 7 });',
    "import { assert, property } from 'fast-check';",
    "import {\n  array,\n  check as verify,\n} from 'fast-check';",
    "import fc from 'fast-check';",
  ])('checked in another way would be found: %s', (text) => {
    expect(text).toMatch(direct);
  });
});

describe('unit tests', () => {
  it.each(Object.entries(rules))('include none that %s', (rule, pattern) => {
    expect(files.length).toBeGreaterThan(100);
    const found = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [{ file, place: `${file}:${index + 1} ${line.trim()}` }] : [])),
    );
    const isAllowed = (file: string): boolean => Object.hasOwn(exceptions[file] ?? {}, rule);
    expect(found.filter(({ file }) => !isAllowed(file)).map(({ place }) => place)).toEqual([]);
    // An exception that nobody needs any more is removed.
    const allowed = Object.keys(exceptions).filter(isAllowed);
    expect(allowed.filter((file) => !found.some((each) => each.file === file))).toEqual([]);
  });

  it.each([
    ['reads the clock', 'const began = Date.now();'],
    ['reads the clock', 'const today = new Date();'],
    ['waits for time to pass', 'await systemClock.sleep(20);'],
    ['waits for time to pass', "import { setTimeout as sleep } from 'node:timers/promises';"],
    ['waits for time to pass', 'await send(request, AbortSignal.timeout(30));'],
    ['waits for time to pass', 'await scheduler.wait(20);'],
    ['has a time limit that a busy host can exceed', "it('works', { timeout: 5_000 }, async () => {"],
    ['has a time limit that a busy host can exceed', '}, 30_000);'],
    ['starts a program that ends by itself while it should still run', 'const script = `echo up; sleep 30`;'],
    ['asserts how much memory this process takes', 'expect(process.memoryUsage().rss).toBeLessThan(1);'],
    ['listens on a port that others may have', 'server.listen(8080);'],
    ['writes to a path that others may have', "mkdirSync('/tmp/mine');"],
  ] as const)('that %s would be found: %s', (rule, line) => {
    expect(line).toMatch(rules[rule]);
  });
});

it('no end-to-end test has less time than a busy host needs', () => {
  const limit = /\btimeout: (\d[\d_]*)|\}, (\d[\d_]*)\);|^ +(\d[\d_]{3,}),$|AbortSignal\.timeout\((\d[\d_]*)\)/;
  const places = globSync('e2e/**/*.e2e.ts', { cwd: root }).flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const [, ...groups] = limit.exec(line) ?? [];
        const milliseconds = groups.find((group) => group !== undefined);
        return milliseconds === undefined ? [] : [{ milliseconds, place: `${file}:${index + 1} ${line.trim()}` }];
      }),
  );
  expect(places.length).toBeGreaterThan(0);
  const isShort = (text: string): boolean => Number(text.replaceAll('_', '')) < HANG_LIMIT_MS;
  expect(places.filter(({ milliseconds }) => isShort(milliseconds)).map(({ place }) => place)).toEqual([]);
});
