import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * Finds words and phrases that this project's English avoids, in comments, sentences and documents. `npm run prose`
 * reads every file, and `npm run prose -- PREFIX` those whose paths start with it. Both fail if they find anything.
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

/** What fakes say in recorded transcripts, which keep their words. */
const recorded = /Hello from the practice model\.|The person denied the sign-in\./g;

const root = resolve(import.meta.dirname, '..');
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

/** The comments and sentences of a line of code. What a template literal inserts is code. */
function proseOf(line: string): string {
  if (/^\s*(\*|\/\*\*?|\/\/)/.test(line)) return line;
  const comment = /\s\/\/ (.*)$/.exec(line)?.[1] ?? '';
  const strings = [...line.matchAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g)].map(([text]) => text);
  const sentences = strings.filter((text) => /[a-z] [a-z]/.test(text));
  return [comment, ...sentences]
    .join(' ')
    .replaceAll(/\$\{[^{}]*\}/g, '')
    .replaceAll(recorded, '');
}

const asked = process.argv.slice(2);
const files = execFileSync('git', ['ls-files', '-z', '*.ts', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && !excluded.test(path))
  .filter((path) => asked.length === 0 || asked.some((prefix) => path.startsWith(prefix)));
const findings = files.flatMap((path) => findingsIn(path).map((finding) => ({ path, ...finding })));
for (const { path, line, text, instead } of findings) console.error(`${path}:${line} "${text}" → ${instead}`);
if (findings.length > 0) {
  console.error('Rewrite each sentence as you would say it to a colleague.');
  process.exitCode = 1;
}
