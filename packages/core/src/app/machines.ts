import { createWorkFiles } from './work-files.ts';
import type { HostLoad } from '../admission/admission.ts';
import { SallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import { recordFailure } from '../runtime/record-failure.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { AgentDirectory, WorkDirectoryRequest } from '../protocol/work-files.ts';
import type { WorkFile } from '../contracts/agent-client.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { Prompts } from '../prompts/prompts.ts';

/** Machines as the API sees them. Another user's machine counts as unknown. */
export interface Machines {
  list(userId: string): Promise<readonly MachineRecord[]>;
  /** Throws `MACHINE_UNKNOWN`, also for a destroyed machine. */
  get(userId: string, machineId: string): Promise<MachineRecord>;
  /** The current load of this host, for all users. */
  load(): HostLoad;
  /** The same, with the number of hibernating machines on this host. */
  host(): Promise<HostLoad & { readonly hibernated: number }>;
  /**
   * A page of a directory of the machine's `~/work`, of up to 100 entries. Throws `MACHINE_ASLEEP`, `FILE_UNKNOWN`, and
   * `FILE_REFUSED` for anything but a directory.
   */
  listFiles(userId: string, machineId: string, request: WorkDirectoryRequest): Promise<AgentDirectory>;
  /** A file of the machine's `~/work`; see {@link AgentClient.readFile}. Throws `MACHINE_ASLEEP` too. */
  readFile(userId: string, machineId: string, path: string, signal: AbortSignal): Promise<WorkFile>;
  hibernate(userId: string, machineId: string): Promise<void>;
  wake(userId: string, machineId: string): Promise<void>;
  destroy(userId: string, machineId: string): Promise<void>;
}

export function createMachines(
  runtime: Runtime,
  cliMachines: CliMachines,
  prompts: Pick<Prompts, 'endWaiting'>,
): Machines {
  async function require(userId: string, machineId: string): Promise<MachineRecord> {
    const record = await runtime.store.machines.get(machineId);
    if (!record || record.userId !== userId || record.state === 'destroyed')
      throw new SallyportError('MACHINE_UNKNOWN', `Unknown machine ${machineId}.`);
    return record;
  }

  async function requireHibernation(userId: string, machineId: string): Promise<MachineRecord> {
    const record = await require(userId, machineId);
    if (runtime.driver.features.hibernate) return record;
    throw new SallyportError('MACHINE_UNSUPPORTED', `The ${runtime.driver.name} driver cannot hibernate machines.`, {
      hint: 'It stops them when idle instead, and starts them with the next prompt.',
    });
  }

  const recordAction = (
    action: 'hibernate' | 'wake' | 'destroy',
    userId: string,
    machineId: string,
    work: () => Promise<void>,
  ): Promise<void> => {
    const failed = (code: ErrorCode) => ({ type: 'machine.action-failed', userId, machineId, action, code }) as const;
    return recordFailure(runtime, failed, work);
  };

  const requireHere = async (userId: string, machineId: string): Promise<void> => {
    const record = await require(userId, machineId);
    checkNotOfLogin(record);
    if (record.host === runtime.host) return;
    throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} is on host ${record.host}.`, {
      hint: 'Ask the server of that host.',
    });
  };
  const files = createWorkFiles(runtime, cliMachines);

  return {
    listFiles: async (userId, machineId, request) => {
      await requireHere(userId, machineId);
      return files.list(userId, machineId, request);
    },
    readFile: async (userId, machineId, path, signal) => {
      await requireHere(userId, machineId);
      return files.read(userId, machineId, path, signal);
    },
    load: () => runtime.admission.load(),
    host: async () => {
      const rows = await runtime.store.machines.list({ host: runtime.host });
      return { ...runtime.admission.load(), hibernated: rows.filter(({ state }) => state === 'hibernated').length };
    },
    list: async (userId) =>
      (await runtime.store.machines.list({ userId })).filter((record) => record.state !== 'destroyed'),
    get: require,
    hibernate: async (userId, machineId) => {
      checkNotOfLogin(await requireHibernation(userId, machineId));
      await recordAction('hibernate', userId, machineId, () => cliMachines.hibernate(userId, machineId));
    },
    wake: async (userId, machineId) => {
      const record = await requireHibernation(userId, machineId);
      checkNotOfLogin(record);
      if (record.state === 'running') return;
      const [provider] = Object.keys(record.injected);
      if (record.state !== 'hibernated' || provider === undefined)
        throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} does not hibernate.`, {
          hint: 'The next prompt starts it.',
        });
      const { closing: signal } = runtime;
      await recordAction('wake', userId, machineId, async () => {
        const machine = await cliMachines.acquire({ userId, provider, signal, onProgress: () => undefined });
        try {
          await machine.running.noted;
        } finally {
          cliMachines.release(machine);
        }
      });
    },
    destroy: async (userId, machineId) => {
      checkNotOfLogin(await require(userId, machineId));
      // Otherwise each would create the machine again as those that run end.
      if ((await runtime.store.users.get(userId))?.machineId === machineId)
        await prompts.endWaiting(userId, () => destroyedMeanwhile(machineId));
      await recordAction('destroy', userId, machineId, () => cliMachines.destroy(userId, machineId));
    },
  };
}

function destroyedMeanwhile(machineId: string): SallyportError {
  const message = `Machine ${machineId} was destroyed while this prompt waited for a place on it.`;
  return new SallyportError('MACHINE_FAILED', message, { hint: 'The next prompt creates a new machine.' });
}

function checkNotOfLogin({ role }: MachineRecord): void {
  if (role !== 'browser') return;
  throw new SallyportError('MACHINE_BUSY', 'This machine belongs to a login.', {
    hint: 'Cancel the login session; its machine goes with it.',
  });
}
