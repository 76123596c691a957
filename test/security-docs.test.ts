import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  findsTitle,
  isTestCitation,
  parseSecurityRows,
  readSecurityPage,
  resolveCitation,
} from './setup/cited-tests.ts';

const root = resolve(import.meta.dirname, '..');
const rows = parseSecurityRows(readSecurityPage());
const citations = rows.flatMap(({ attack, cited }) => cited.filter(isTestCitation).map((span) => ({ attack, span })));

describe('the table of docs/security.md', () => {
  it.each(rows)('names a test of the defence: $attack', ({ cited }) => {
    expect(cited.filter(isTestCitation)).not.toEqual([]);
  });

  // Whether they ran and passed is checked at the end of a run, by `setup/security-reporter.ts` and `scripts/e2e.ts`.
  it.each(citations)('cites $span, which exists and is not skipped', ({ attack, span }) => {
    const files = resolveCitation(attack, span);
    expect(files).not.toEqual([]);
    for (const cited of files) {
      const { file } = cited;
      expect(findsTitle(cited), `${file} has no test "${cited.title}"`).toBe(true);
      const text = readFileSync(join(root, file), 'utf8');
      expect(text).toMatch(/\b(it|test|describe\w*)\b/);
      expect(text).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only)\(/);
    }
  });

  it('would miss a file that is not there', () => {
    expect(resolveCitation('any', 'core/src/nothing.test.ts')).toEqual([]);
  });
});
