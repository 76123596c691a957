import { expect, it } from 'vitest';

import { createOperator, OPERATOR_PATIENCE_MS, operatorConfig } from '../support/operator.ts';

it(
  'an operator sees by sallyport persistence check that machines keep what is written in them',
  async () => {
    await using operator = await createOperator();
    const words = ['packages/server/dist/main.js', 'persistence', 'check', '--cycles', '3', '--config', operatorConfig];
    const { output, code } = await operator.run(process.execPath, words);
    expect(output).toContain('Machines are QEMU virtual machines');
    expect(output).toMatch(/^3 cycles: every file was as it was written\.$/m);
    expect(code).toBe(0);
  },
  OPERATOR_PATIENCE_MS,
);
