import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { listAttacks } from './attacks.ts';

/** Attacks that need a whole server; each has a positive control there. */
const elsewhere = [
  ['send endless events', 'npm test (core/src/protocol/agent-api, machines/src/agent-client/server-sent-events)'],
] as const;

/** Runs each attack from inside a machine, with the defence and without it. Both have to go as expected. */
export async function drillHostile(): Promise<{ readonly held: number; readonly failed: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-drill-'));
  chmodSync(directory, 0o755);
  const rows: Record<string, string>[] = [];
  let failed = 0;
  try {
    for (const { title, defended, undefended } of listAttacks(directory)) {
      const got = await defended();
      const without = await undefended();
      const isGood = got === undefined && without !== undefined;
      if (!isGood) failed += 1;
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
  return { held: rows.length - failed, failed };
}
