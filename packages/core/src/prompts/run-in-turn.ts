import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import type { PromptPlace } from './places.ts';
import { runPrompt } from './run.ts';
import type { PromptRun } from './run.ts';

export interface WaitingPrompt extends PromptRun {
  /** Left when the prompt has ended. */
  readonly place: PromptPlace;
}

/** Runs a prompt once the user's earlier ones leave it room, and writes how it ended. Never rejects. */
export async function runInTurn(runtime: CliRuntime, machines: CliMachines, prompt: WaitingPrompt): Promise<void> {
  const { journal, signal } = prompt;
  try {
    await waitAndRun(runtime, machines, prompt);
  } catch (thrown) {
    // The sender learns of one that could not be written.
    if (!(await isDone(journal.record))) return;
    const { code, message, hint } = endError(thrown, signal);
    const outcome = outcomeOf(code);
    await runtime.bestEffort('ending a prompt', () =>
      journal.write([{ type: 'prompt-end', outcome, code, message, hint }]),
    );
  }
}

async function waitAndRun(
  runtime: CliRuntime,
  machines: CliMachines,
  { place, ...prompt }: WaitingPrompt,
): Promise<void> {
  const { journal, signal } = prompt;
  const note = (state: 'queued' | 'ready', message: string): void =>
    void runtime.bestEffort('noting the place of a prompt', () => journal.write([{ type: 'machine', state, message }]));
  try {
    signal.throwIfAborted();
    if (place.isWaiting) {
      await place.turn(signal, (message) => note('queued', message));
      note('ready', 'Your prompt starts now.');
    }
    await runPrompt(runtime, machines, prompt);
  } finally {
    // Before the end is written, which may take long while the store is away.
    place.leave();
  }
}

function isDone(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function outcomeOf(code: ErrorCode): 'cancelled' | 'relogin-needed' | 'failed' {
  if (code === 'PROMPT_CANCELLED') return 'cancelled';
  return code === 'CREDENTIAL_INVALID' ? 'relogin-needed' : 'failed';
}

function endError(thrown: unknown, signal: AbortSignal): SallyportError {
  if (signal.aborted && SallyportError.isInstance(signal.reason)) return signal.reason;
  return toSallyportError(thrown, 'PROMPT_FAILED', 'The prompt could not be run.');
}
