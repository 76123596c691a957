/** A server with one machine, to be killed: `run-driver.ts <directory> <steps> [<step at which it ends>]`. */
import { Secret } from '@sallyport/core';
import type { Machine, StartOptions } from '@sallyport/core/driver';

import { createFirecrackerDriver } from '../driver.ts';
import { prepareFakeHost } from './fake-host.ts';
import { onePlan } from './one-plan.ts';

const [directory = '', words = '', lastStep] = process.argv.slice(2);
const signal = AbortSignal.timeout(120_000);
const token = new Secret('canary-boot-token-0123456789-0123456789');
const options = (epoch: number): StartOptions => ({
  epoch,
  token,
  egress: { socketPath: '/nowhere', close: async () => {} },
  signal,
});
let doing = '';
const driver = await createFirecrackerDriver({
  ...(await prepareFakeHost({ directory, hollow: true })),
  onStep: (step) => {
    process.stdout.write(`${doing}: ${step}\n`);
    // As suddenly as a power cut: nothing of this process runs any more, and its children do.
    if (`${doing}: ${step}` === lastStep) process.kill(process.pid, 'SIGKILL');
  },
});

let machine: Machine | undefined;
const works: Readonly<Record<string, () => Promise<unknown>>> = {
  create: async () => (machine = await driver.create(onePlan(directory), { signal })),
  inject: async () => machine?.disk.inject('codex', [{ path: '~/.codex/auth.json', content: '{}', mode: 0o600 }]),
  start: async () => machine?.start(options(1)),
  hibernate: async () => machine?.hibernate?.({ signal }),
  wake: async () => machine?.wake?.(options(2)),
  destroy: async () => machine?.destroy(),
};
for (doing of words.split(',')) await works[doing]?.();
process.exit();
