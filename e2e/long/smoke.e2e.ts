import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { createOperator, OPERATOR_PATIENCE_MS, operatorConfig } from '../support/operator.ts';
import { repository, startDemoServer } from '../support/server.ts';

it(
  'an operator sees by scripts/smoke.sh that a running deployment does what it should',
  async () => {
    await using operator = await createOperator();
    const { dataDirectory } = operator;
    // It reads the images through before it uses them.
    const server = await startDemoServer({ config: operatorConfig, dataDirectory });
    try {
      const { output, code } = await operator.run('scripts/smoke.sh', [server.origin]);
      expect(output, server.output()).not.toContain('FAILS');
      const page = await readFile(join(repository, 'docs', 'operate.md'), 'utf8');
      expect(linesOf(output)).toEqual(linesOf(page));
      expect(code).toBe(0);
    } finally {
      await server.stop();
    }
  },
  2 * OPERATOR_PATIENCE_MS,
);

/** What the script prints, also as docs/operate.md shows it: with the session of its first line wherever that comes again. */
function linesOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const printed = lines.filter((line) => /^(holds|FAILS) {3}|^\d+ hold, \d+ fail$/.test(line));
  const session = /[0-9a-f-]{36}$/.exec(printed[0] ?? '')?.[0] ?? 'no session';
  return printed.map((line) => line.replaceAll(session, 'SESSION').replace(/192\.168\.100\.\d+/, 'ADDRESS'));
}
