import { parseArgs } from 'node:util';

import { SallyportError } from '@sallyport/core';

import { startAgent } from './agent.ts';
import type { Agent } from './agent.ts';
import { followBootConfig, readBootConfig } from './boot-config.ts';

/**
 * The program inside every machine. `--boot -` takes the configuration from the first line of standard input
 * and ends when the input does: an agent never outlives the server that started it. `--boot <file>` reads a file; one
 * put in its place is what the machine goes on with after a sleep.
 */

// Everything that is written is for this user alone.
process.umask(0o077);
// Without a handler, this signal opens Node's inspector to any sender.
process.on('SIGUSR1', () => {});

let agent: Promise<Agent> | undefined;
let ending: Promise<void> | undefined;

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0));
process.on('uncaughtException', (error) => {
  console.error('The agent ends after an unexpected error:', error);
  void end(1);
});

await main();

async function main(): Promise<void> {
  try {
    const { values } = parseArgs({ options: { boot: { type: 'string' } } });
    if (values.boot === undefined) {
      throw new SallyportError('CONFIG_INVALID', 'Say where the boot configuration is: --boot <file>, or --boot -.');
    }
    const boot = await readBootConfig(values.boot, process.stdin);
    if (values.boot === '-') {
      process.stdin.once('close', () => void end(0));
      if (process.stdin.readableEnded || process.stdin.destroyed) return await end(0);
    }
    agent = startAgent(boot);
    const started = await agent;
    if (values.boot !== '-') {
      followBootConfig(values.boot, {
        started: boot,
        onChange: (next) => void started.wake(next).catch(tell),
        onProblem: tell,
      });
    }
  } catch (error) {
    tell(error);
    await end(1);
  }
}

function tell(error: unknown): void {
  console.error(SallyportError.isInstance(error) ? `${error.code}: ${error.message}` : error);
}

/** Ends what was started, then this process. Called again while it is at it, it only waits. */
function end(code: number): Promise<void> {
  ending ??= (async () => {
    await agent?.then(
      (started) => started.close(),
      () => undefined,
    );
    process.exit(code);
  })();
  return ending;
}
