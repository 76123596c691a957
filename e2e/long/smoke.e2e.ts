import { expect, it } from 'vitest';

import { createOperator, OPERATOR_PATIENCE_MS, operatorConfig } from '../support/operator.ts';
import { startDemoServer } from '../support/server.ts';

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
      expect(output).toMatch(/^12 hold, 0 fail$/m);
      expect(code).toBe(0);
    } finally {
      await server.stop();
    }
  },
  2 * OPERATOR_PATIENCE_MS,
);
