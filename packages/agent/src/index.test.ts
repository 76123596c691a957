import { afterEach, expect, it } from 'vitest';

import { agentBundle } from './index.ts';

const { arch } = process;

afterEach(() => {
  Object.defineProperty(process, 'arch', { value: arch });
});

it("the agent's bundle is refused on a platform for which it has no node-pty, and names those that it has", () => {
  Object.defineProperty(process, 'arch', { value: 'riscv64' });
  expect(agentBundle).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: `Machines cannot run on ${process.platform}-riscv64: the agent has no node-pty for it.`,
      hint: expect.stringContaining(`${process.platform}-${arch}`),
    }),
  );
});
