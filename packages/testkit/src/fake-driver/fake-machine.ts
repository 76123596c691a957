import { SallyportError } from '@sallyport/core';
import { homePathSchema } from '@sallyport/core/driver';
import { collectCredential, credentialPaths } from '@sallyport/core/engine';
import type { Machine, MachineExit, MachinePlan, PlacedFile, StartOptions } from '@sallyport/core/driver';

import { createFakeAgent } from './fake-agent.ts';
import type { FakeAgent, FakeAgentControl, FakeAgentScript } from './fake-agent.ts';
import { createPlantedLinks } from './planted-links.ts';

/** Where a fake can be told to fail. */
export type FakeStep = 'create' | 'start' | 'hibernate' | 'wake' | 'stop' | 'destroy' | 'harvest' | 'inject' | 'remove';

/** A machine that lives in memory. */
export interface FakeMachine {
  readonly machine: Machine;
  readonly plan: MachinePlan;
  /** A provider's home on its disk: files by home path. A test may write to it, as the CLI would. */
  readonly home: (provider: string) => Map<string, PlacedFile>;
  /** Paths on its disk that are symbolic links. A test may add to it, as the CLI would. */
  readonly links: (provider: string) => Set<string>;
  readonly running: boolean;
  /** It holds a snapshot. */
  readonly hibernated: boolean;
  readonly destroyed: boolean;
  /** One for each start and each wake. */
  readonly boots: readonly StartOptions[];
  /** The agent of the running boot, or of the last. Throws before the first. */
  readonly agent: FakeAgent;
  /** What happened to it, in order: `create`, `start`, `inject ~/x`, `stop`, … */
  readonly log: readonly string[];
  /** Ends it as a crash would. */
  crash(exit?: Partial<MachineExit>): void;
  /** Takes it off its host without a trace, as a host that lost its disk would. */
  lose(): void;
}

export interface FakeMachineParts {
  readonly plan: MachinePlan;
  readonly script: FakeAgentScript;
  readonly hibernates: boolean;
  /** Called before each step: throws what the test wants to fail there. */
  onStep(step: FakeStep, machineId: string): Promise<void>;
  onGone(): void;
}

export interface FakeMachineControl extends FakeMachine {
  readonly control: { readonly agent: FakeAgentControl } | undefined;
}

export function createFakeMachine(parts: FakeMachineParts): FakeMachineControl {
  const { machineId: id } = parts.plan;
  const homes = new Map<string, Map<string, PlacedFile>>();
  const links = createPlantedLinks();
  const log: string[] = ['create'];
  const boots: StartOptions[] = [];
  let plan = parts.plan;
  let current: { readonly agent: FakeAgentControl } | undefined;
  let last: FakeAgentControl | undefined;
  let exited = Promise.withResolvers<MachineExit>();
  let destroyed = false;
  let hibernated = false;

  function home(provider: string): Map<string, PlacedFile> {
    const files = homes.get(provider) ?? new Map<string, PlacedFile>();
    homes.set(provider, files);
    return files;
  }

  async function step(name: FakeStep, detail = ''): Promise<void> {
    log.push(detail === '' ? name : `${name} ${detail}`);
    await parts.onStep(name, id);
  }

  function end(exit: MachineExit): void {
    if (!current) return;
    current = undefined;
    last?.end();
    exited.resolve(exit);
  }

  function useDisk(paths: readonly string[]): void {
    if (destroyed) throw new SallyportError('MACHINE_UNKNOWN', `Machine ${id} was destroyed.`);
    if (current || hibernated)
      throw new SallyportError(
        'MACHINE_BUSY',
        `Machine ${id} cannot be read or written offline while it runs or sleeps.`,
      );
    const bad = paths.find((path) => !homePathSchema.safeParse(path).success);
    if (bad !== undefined) throw new SallyportError('MACHINE_DISK_UNSAFE', `${bad} is not a path below the home.`);
  }

  async function boot(name: 'start' | 'wake', options: StartOptions): Promise<void> {
    options.signal.throwIfAborted();
    if (destroyed || current || hibernated !== (name === 'wake'))
      throw new SallyportError('MACHINE_BUSY', `Machine ${id} cannot ${name}.`);
    hibernated = false;
    boots.push(options);
    plan = options.plan ?? plan;
    exited = Promise.withResolvers();
    last = createFakeAgent(parts.script, (provider, items) =>
      collectCredential(
        items,
        credentialPaths(items, 'cli').flatMap((path) => home(provider).get(path) ?? []),
        'cli',
      ),
    );
    current = { agent: last };
    try {
      await step(name);
      options.signal.throwIfAborted();
    } catch (error) {
      end({ code: 1, signal: null, console: parts.script.console ?? '' });
      throw error;
    }
  }

  const gone = (): void => {
    end({ code: null, signal: 'SIGKILL', console: parts.script.console ?? '' });
    destroyed = true;
    hibernated = false;
    homes.clear();
    parts.onGone();
  };

  const machine: Machine = {
    id,
    get exited() {
      return exited.promise;
    },
    start: async (options) => boot('start', options),
    connect: () =>
      Promise.reject(new SallyportError('MACHINE_UNSUPPORTED', 'A fake machine is reached through its fake agent.')),
    stop: async () => {
      await step('stop');
      hibernated = false;
      end({ code: 0, signal: null, console: parts.script.console ?? '' });
    },
    destroy: async () => {
      await step('destroy');
      if (!destroyed) gone();
    },
    ...(parts.hibernates && {
      hibernate: async ({ signal }: { readonly signal: AbortSignal }) => {
        signal.throwIfAborted();
        if (!current) throw new SallyportError('MACHINE_BUSY', `Machine ${id} does not run.`);
        await step('hibernate');
        hibernated = true;
        end({ code: 0, signal: null, console: parts.script.console ?? '' });
      },
      wake: async (options: StartOptions) => boot('wake', options),
    }),
    disk: {
      harvest: async (provider, paths) => {
        await step('harvest', paths.join(' '));
        useDisk(paths);
        links.refuseReading(provider, paths);
        return paths.flatMap((path) => home(provider).get(path) ?? []);
      },
      inject: async (provider, files) => {
        await step('inject', files.map(({ path }) => path).join(' '));
        const paths = files.map(({ path }) => path);
        useDisk(paths);
        links.replace(provider, paths);
        for (const file of files) home(provider).set(file.path, file);
      },
      eraseHome: async (provider) => {
        await step('remove', provider);
        useDisk([]);
        homes.delete(provider);
      },
      remove: async (provider, paths) => {
        await step('remove', paths.join(' '));
        useDisk(paths);
        links.remove(provider, paths);
        for (const path of paths) home(provider).delete(path);
      },
    },
  };

  return {
    machine,
    home,
    links: (provider) => links.of(provider),
    log,
    boots,
    get plan() {
      return plan;
    },
    get running() {
      return current !== undefined;
    },
    get hibernated() {
      return hibernated;
    },
    get destroyed() {
      return destroyed;
    },
    get control() {
      return current;
    },
    get agent() {
      if (!last) throw new Error(`The fake machine ${id} has not been started.`);
      return last;
    },
    crash: (exit = {}) => end({ code: 1, signal: null, console: parts.script.console ?? '', ...exit }),
    lose: gone,
  };
}
