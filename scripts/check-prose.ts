import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Counts words and phrases that this project's English avoids, in comments, sentences and documents. The counts of
 * each file are in `scripts/prose-counts.json` and may only fall: `npm run prose` lists what is found in the files
 * given, `npm run prose -- --update` records lower counts, and `npm run check` fails where a count is not the recorded one.
 */
const rules: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  // "There is no …" is what everyone says.
  { pattern: /(?<!\bthere )\b(?:is|are|was|were) no\b(?! longer)/gi, instead: 'is not a' },
  { pattern: /\bof (?:its|their|his|our|your|my) own\b/gi, instead: 'its own …, or nothing' },
  { pattern: /\banew\b/gi, instead: 'again' },
  { pattern: /\bshall\b/gi, instead: 'is to, or the present tense' },
  { pattern: /\bwho(?:ever|soever)\b/gi, instead: 'the one who, a caller, a user' },
  { pattern: /\bsomebody\b/gi, instead: 'a user, someone' },
  { pattern: /\bnobody(?:\s+\w+)?\s+but\b/gi, instead: 'only' },
  { pattern: /\bwhere there is (?:one|none)\b/gi, instead: 'if any' },
  { pattern: /\b(?:folders?|persons?|people)\b/gi, instead: 'directory; user' },
  { pattern: /\bmade[- ]up\b/gi, instead: 'fake' },
  { pattern: /\bways? out\b/gi, instead: 'egress' },
  { pattern: /\bmend(?:s|ed|ing)?\b/gi, instead: 'fix' },
  { pattern: /\blacks?\b/gi, instead: 'is missing' },
  { pattern: /\b(?:put|puts|goes|go|going) to rest\b/gi, instead: 'stop, hibernate' },
  { pattern: /\b(?:bring|brings|brought|bringing) up\b/gi, instead: 'start' },
  { pattern: /\bpractice\b/gi, instead: 'fake vendor' },
  { pattern: /\b(?:rehears\w*|overhear\w*|testimon\w*)\b/gi, instead: 'verify, observe, guard record' },
  { pattern: /\bit is looked\b/gi, instead: 'active voice' },
  { pattern: /\bhow often it is\b/gi, instead: 'how often to' },
];

const root = resolve(import.meta.dirname, '..');
const record = join(root, 'scripts/prose-counts.json');
const excluded =
  /^(scripts\/(check-prose|rename-words|renames|move|prose)|docs\/decisions\/|test\/mutations\/|packages\/[^/]+\/api\/)|__fixtures__\/.*\.(jsonl|stdout|txt)$/;

interface Finding {
  readonly line: number;
  readonly text: string;
  readonly instead: string;
}

function findingsIn(path: string): readonly Finding[] {
  const text = readFileSync(join(root, path), 'utf8');
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const prose = path.endsWith('.md') ? line : proseOf(line);
    return rules.flatMap(({ pattern, instead }) =>
      [...prose.matchAll(pattern)].map(([found]) => ({ line: index + 1, text: found, instead })),
    );
  });
}

/** The comments and sentences of a line of code. */
function proseOf(line: string): string {
  if (/^\s*(\*|\/\*\*?|\/\/)/.test(line)) return line;
  const comment = /\s\/\/ (.*)$/.exec(line)?.[1] ?? '';
  const strings = [...line.matchAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g)].map(([text]) => text);
  return [comment, ...strings.filter((text) => /[a-z] [a-z]/.test(text))].join(' ');
}

const files = execFileSync('git', ['ls-files', '-z', '*.ts', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && !excluded.test(path));
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const counts = Object.fromEntries(
  files.map((path) => [path, findingsIn(path).length] as const).filter(([, count]) => count > 0),
);

if (process.argv.includes('--update')) {
  const before: Readonly<Record<string, number>> = readCounts();
  const risen = Object.entries(counts).filter(([path, count]) => count > (before[path] ?? 0));
  if (risen.length > 0 && Object.keys(before).length > 0)
    fail(
      before,
      risen.map(([path]) => path),
    );
  writeFileSync(record, `${JSON.stringify(counts, null, 2)}\n`);
} else if (process.argv.includes('--check')) {
  const before = readCounts();
  const changed = [...new Set([...Object.keys(before), ...Object.keys(counts)])].filter(
    (path) => (before[path] ?? 0) !== (counts[path] ?? 0),
  );
  if (changed.length > 0) fail(before, changed);
} else {
  for (const path of files.filter((each) => asked.some((prefix) => each.startsWith(prefix)))) {
    for (const { line, text, instead } of findingsIn(path)) console.log(`${path}:${line} "${text}" → ${instead}`);
  }
  console.log(
    `${Object.values(counts).reduce((sum, count) => sum + count, 0)} in ${Object.keys(counts).length} files.`,
  );
}

function readCounts(): Readonly<Record<string, number>> {
  try {
    return JSON.parse(readFileSync(record, 'utf8'));
  } catch {
    return {};
  }
}

function fail(before: Readonly<Record<string, number>>, paths: readonly string[]): void {
  for (const path of paths) {
    const [was, is] = [before[path] ?? 0, counts[path] ?? 0];
    console.error(
      is > was
        ? `${path} has ${is} findings, ${was} before. \`npm run prose ${path}\` lists them; say it in other words.`
        : `${path} has ${is} findings, ${was} before. Record that with \`npm run prose -- --update\`.`,
    );
  }
  process.exitCode = 1;
}
