import { SallyportError } from '../base/errors.ts';
import { limitOutput, overLimit } from '../cli-machine/limit-output.ts';
import type { AgentClient } from '../contracts/agent-client.ts';
import type { ExecuteEvent, ExecuteRequest } from '../protocol/agent-api.ts';
import type { Runtime } from '../runtime/runtime.ts';

const ASK_AGAIN_MS = 500;
/** Longer than a CLI may take to refresh its login, and than one takes to end after it was cancelled. */
const PATIENCE_MS = 30_000;
/** The agent keeps the run's deadline. The server gives up this much later: an agent that does not may be hostile. */
const GRACE_MS = 30_000;

/**
 * Runs a CLI on an agent. One that answers `MACHINE_BUSY` is asked again for a while: it may still be ending an earlier
 * run that the server counts no more, or refreshing a login. Throws `PROMPT_FAILED` past the time and the output that the
 * request allows, which aborts the stream.
 */
export async function* executeWhenFree(
  { clock }: Pick<Runtime, 'clock'>,
  agent: AgentClient,
  request: ExecuteRequest,
  signal: AbortSignal,
): AsyncGenerator<ExecuteEvent> {
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    let begun = false;
    using deadline = clock.deadline(request.timeoutMs + GRACE_MS, () => overLimit('timeout'), signal);
    try {
      for await (const event of limitOutput(agent.execute(request, deadline.signal), request.maxOutputBytes)) {
        begun = true;
        deadline.signal.throwIfAborted();
        yield event;
      }
      return;
    } catch (error) {
      const isBusy = SallyportError.isInstance(error) && error.code === 'MACHINE_BUSY';
      // A run that has begun must not run twice.
      if (begun || !isBusy || clock.monotonic() >= until) throw error;
    }
    await clock.sleep(ASK_AGAIN_MS, signal);
  }
}
