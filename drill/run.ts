/**
 * Plays what goes wrong in earnest, and prints what came of it: `npm run drill -- hostile`. Ends with an error if a defence
 * let something through, or if an attack gets nothing even without the defence.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { listAttacks } from './hostile/attacks.ts';

/** Attacks that need a whole server; each has a positive control there. */
const elsewhere = [
  ['send endless events', 'npm test (core/src/protocol/agent-api, machines/src/agent-client/server-sent-events)'],
] as const;

const [name] = process.argv.slice(2);
if (name !== 'hostile') {
  console.error(`There is no drill "${name ?? ''}". Run: npm run drill -- hostile`);
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'sallyport-drill-'));
chmodSync(directory, 0o755);
const rows: Record<string, string>[] = [];
let failures = 0;
try {
  for (const { title, defended, undefended } of listAttacks(directory)) {
    const got = await defended();
    const without = await undefended();
    const isGood = got === undefined && without !== undefined;
    if (!isGood) failures += 1;
    rows.push({
      attack: title,
      got: got ?? 'nothing',
      'without the defence': without ?? 'nothing',
      '': isGood ? 'ok' : 'FAILED',
    });
    console.log(`${isGood ? 'ok' : 'FAILED'}: ${title}: ${got ?? 'nothing'}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.table(rows);
for (const [title, where] of elsewhere) console.log(`${title}: shown by ${where}`);
console.log(`${rows.length - failures} held, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
