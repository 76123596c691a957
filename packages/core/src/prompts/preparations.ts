import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { Provider } from '../contracts/provider.ts';
import { clampPromptPlan } from '../hooks/clamp.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { askedPlan } from './asked-plan.ts';
import { cliRun } from './cli-run.ts';
import type { StartPrompt } from './start-prompt.ts';

/** What is known of a prompt that may come. */
export type ExpectedPrompt = Omit<StartPrompt, 'prompt' | 'promptId'>;

/** Gets users' machines and CLIs ready for prompts that may come: at most one at a time for each user. */
export interface Preparations {
  /** Begins in the background. Does nothing where one is under way for the user. */
  begin(provider: Provider, expected: ExpectedPrompt): void;
  /** Gives up those that are meant, and waits for that. */
  end(isMeant: (preparation: { readonly userId: string; readonly provider: string }) => boolean): Promise<void>;
}

interface Preparation {
  readonly userId: string;
  readonly provider: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Longer than a machine takes to boot on a busy host. */
const PATIENCE_MS = 5 * 60_000;

export function createPreparations(runtime: Runtime, machines: CliMachines): Preparations {
  const underWay = new Map<string, Preparation>();

  async function prepare({ manifest }: Provider, expected: ExpectedPrompt, signal: AbortSignal): Promise<void> {
    const { userId, conversationId } = expected;
    const { id } = manifest;
    const asked = askedPlan(expected);
    // No tap is asked: it is not a prompt yet. Where one would change it, the process is of no use and ends.
    const plan = clampPromptPlan(asked, asked, runtime.settings.ceiling);
    const machine = await machines.acquire({ userId, provider: id, signal, onProgress: () => {} });
    try {
      const [credential] = await Promise.all([runtime.ledger.read(userId, id), machine.running.noted]);
      const run = cliRun(runtime, manifest, { plan, files: credential.files.reveal(), conversationId });
      await machine.running.agent.startAhead(run, signal);
    } finally {
      machines.release(machine);
    }
  }

  function begin(provider: Provider, expected: ExpectedPrompt): void {
    const { userId } = expected;
    if (underWay.has(userId)) return;
    const abort = new AbortController();
    const run = async (): Promise<void> => {
      using deadline = runtime.clock.deadline(PATIENCE_MS, () => new Error('It took too long.'), abort.signal);
      await prepare(provider, expected, deadline.signal);
    };
    // The prompt that comes says what is wrong, if anything is.
    const done = runtime.bestEffort('preparing for a prompt', run).then(() => void underWay.delete(userId));
    underWay.set(userId, { userId, provider: provider.manifest.id, abort, done });
  }

  return {
    begin,
    end: async (isMeant) => {
      const meant = [...underWay.values()].filter(isMeant);
      for (const { abort } of meant) abort.abort();
      await Promise.all(meant.map(({ done }) => done));
    },
  };
}
