import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/security.md'), 'utf8');

/** Each row of the table of attacks, with the code spans of its last column. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (Attack|-)/.test(line))
  .map((line) => {
    const cells = line.split(' | ');
    return {
      attack: (cells[0] ?? '').replace('| ', '').trim(),
      cited: [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)],
    };
  });

/** Files that a citation stands for: a path below `packages` or the root, a pattern, or a directory of tests. */
function filesOf(citation: string): readonly string[] {
  const found = [citation, join('packages', citation), `packages/*/src/**/${citation}`].flatMap((pattern) =>
    globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }),
  );
  return found.flatMap((path) =>
    statSync(join(root, path)).isDirectory() ? globSync(`${path}/**/*.{test,e2e}.ts`, { cwd: root }) : [path],
  );
}

describe('the table of docs/security.md', () => {
  it.each(rows)('names a test of the defence: $attack', ({ cited }) => {
    expect(cited.filter(([, name = '']) => isTest({ name }))).not.toEqual([]);
  });

  it.each(rows.flatMap(({ attack, cited }) => cited.map(([, name = '']) => ({ attack, name }))).filter(isTest))(
    'cites $name, which exists and is not skipped',
    ({ name }) => {
      const files = filesOf(name);
      expect(files).not.toEqual([]);
      for (const file of files) {
        expect(existsSync(join(root, file))).toBe(true);
        const text = readFileSync(join(root, file), 'utf8');
        expect(text).toMatch(/\b(it|test|describe\w*)\b/);
        expect(text).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only)\(/);
      }
    },
  );

  it('would miss a file that is not there', () => {
    expect(filesOf('core/src/nothing.test.ts')).toEqual([]);
  });
});

/** The others are commands and packages. */
function isTest({ name }: { readonly name: string }): boolean {
  return /\.ts$|^e2e\//.test(name);
}
