import { clampPromptPlan } from '../hooks/clamp.ts';
import { overLimit } from '../cli-machine/limit-output.ts';
import { describeRefusal } from '../runtime/egress-refusals.ts';
import { SallyportError } from '../base/errors.ts';
import type { PromptPlan } from '../hooks/arguments.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import { secretValues } from '../redaction/secret-values.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { CliMachine } from '../cli-machine/cli-machine.ts';
import type { Provider } from '../contracts/provider.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import { askedPlan } from './asked-plan.ts';
import { cliRun } from './cli-run.ts';
import { describeChangedTools } from './changed-tools.ts';
import type { PromptEvent } from '../contracts/prompt-event.ts';
import { executeWhenFree } from './execute-when-free.ts';
import type { PromptJournal } from './journal.ts';
import type { StartPrompt } from './start-prompt.ts';
import { promptText } from './prompt-text.ts';
import { createPromptReader } from './reader.ts';

export interface PromptRun {
  readonly provider: Provider;
  readonly request: StartPrompt;
  readonly promptId: string;
  readonly signal: AbortSignal;
  readonly journal: PromptJournal;
}

/** Each is a row in the database. An hour of an answer that comes word by word, at 50 words a second, has fewer. */
const MOST_EVENTS = 200_000;

/** Runs one prompt on the user's CLI machine, from planning to the last event. */
export async function runPrompt(runtime: CliRuntime, machines: CliMachines, run: PromptRun): Promise<void> {
  const { provider, request, signal, journal } = run;
  const { id } = provider.manifest;
  const { userId } = request;
  const asked = askedPlan(request);
  const planned = await runtime.hooks.promptPlan(asked, { userId, provider: id, sessionId: undefined, signal });
  const plan = clampPromptPlan(asked, planned, runtime.settings.ceiling);
  const changed = describeChangedTools(request.tools, planned.tools, plan.tools);
  if (changed !== undefined) {
    void runtime.bestEffort('noting the tool policy of a prompt', () =>
      journal.write([{ type: 'notice', message: changed }]),
    );
  }

  const machine = await machines.acquire({
    userId,
    provider: id,
    signal,
    onProgress: (state, message) => {
      // In line with what follows; the prompt need not fail because a remark was not written.
      void runtime.bestEffort('noting the progress of a machine', () =>
        journal.write([{ type: 'machine', state, message }]),
      );
    },
  });
  using _ = runtime.refusals.watch(machine.running.id, (host, reason) => {
    void runtime.bestEffort('noting a host that a machine was refused', () =>
      journal.write([{ type: 'notice', message: describeRefusal(host, reason, 'work') }]),
    );
  });
  try {
    await streamRun(runtime, machines, run, plan, machine);
  } catch (error) {
    // The second is thrown where an agent has not kept a limit of the run itself.
    if (SallyportError.isInstance(error) && ['AGENT_UNREACHABLE', 'PROMPT_FAILED'].includes(error.code))
      await machines.doubt(machine);
    throw error;
  } finally {
    machines.release(machine);
  }
}

async function streamRun(
  runtime: CliRuntime,
  machines: CliMachines,
  run: PromptRun,
  plan: PromptPlan,
  machine: CliMachine,
): Promise<void> {
  const { provider, request, promptId, signal, journal } = run;
  const { manifest } = provider;
  // No CLI is started for a prompt that is not written, or on a machine that is taken down because its row was not.
  const [credential] = await Promise.all([
    runtime.ledger.read(request.userId, manifest.id),
    journal.record,
    machine.running.noted,
  ]);
  const files = credential.files.reveal();
  const hide = (from: string, held: CredentialFiles): void =>
    journal.hide(secretValues(runtime.registry.get(from).manifest.credentials, held));
  hide(manifest.id, files);
  // What the CLI refreshes meanwhile is as secret as what it began with.
  machine.offerListeners.add(hide);
  using _ = { [Symbol.dispose]: () => void machine.offerListeners.delete(hide) };
  const reader = createPromptReader(provider);
  let shownEvents = 0;
  const shown = executeWhenFree(
    runtime,
    machine.running.agent,
    {
      ...cliRun(runtime, manifest, { plan, files, conversationId: request.conversationId }),
      runId: promptId,
      prompt: promptText(manifest.prompt, request.prompt),
      timeoutMs: plan.timeoutMs,
      maxOutputBytes: plan.maxOutputBytes,
    },
    signal,
  );
  for await (const event of shown) {
    // A canceled run may still say how it ended. That is ignored.
    signal.throwIfAborted();
    await conclude(await reader.take(event));
    // To leave the stream is to end the CLI.
    if (reader.inVain) break;
  }
  signal.throwIfAborted();
  const { inVain } = reader;
  const cutOff = reader.finish();
  if (cutOff.length > 0 && !inVain) await machines.doubt(machine);
  await conclude(cutOff);

  async function conclude(events: readonly PromptEvent[]): Promise<void> {
    const isRefused = events.some((event) => event.type === 'prompt-end' && event.outcome === 'relogin-needed');
    const isWrittenBack = isRefused && (await runtime.custody.refused(machine, manifest.id)) === 'write-back';
    // Before the end is seen: who sees it may look at the login next.
    if (events.some((event) => event.type === 'prompt-end' && event.outcome === 'completed')) await noteVerified();
    shownEvents += events.length;
    if (shownEvents > MOST_EVENTS) throw overLimit('event-limit');
    const seen = isWrittenBack ? events.map((event) => describeWriteBack(event, manifest.title)) : events;
    await (seen.some(({ type }) => type === 'prompt-end') ? journal.write(seen) : journal.add(seen));
  }

  /** The provider has just answered with it. */
  async function noteVerified(): Promise<void> {
    await runtime.bestEffort('noting that a login works', async () => {
      await runtime.store.credentials.setVerified(request.userId, manifest.id, machine.running.id);
      runtime.writeBacks.forget(request.userId, manifest.id);
    });
  }
}

/** The stored credential has not ended, so the user need not log in again. */
function describeWriteBack(event: PromptEvent, title: string): PromptEvent {
  if (event.type !== 'prompt-end') return event;
  return {
    type: 'prompt-end',
    outcome: 'failed',
    code: 'CREDENTIAL_INCOMPLETE',
    message: `${title} changed its login file, and what it ran with was not the stored login.`,
    hint: 'Send the prompt again: the stored login is written back first.',
  };
}
