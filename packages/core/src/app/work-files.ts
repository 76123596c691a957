import { SallyportError } from '../base/errors.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { WorkFile } from '../contracts/agent-client.ts';
import type { AgentDirectory, WorkDirectoryRequest } from '../protocol/work-files.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Reads what lies in the `~/work` of machines that run. */
export interface WorkFiles {
  list(userId: string, machineId: string, request: WorkDirectoryRequest): Promise<AgentDirectory>;
  /** The machine does not fall asleep until the body has been read or destroyed. */
  read(userId: string, machineId: string, path: string, signal: AbortSignal): Promise<WorkFile>;
}

const LIST_MS = 15_000;
/** 50 MiB at 90 KB/s. A reader who takes longer would keep the machine awake. */
const READ_MS = 10 * 60_000;

export function createWorkFiles(
  { clock, closing }: Pick<Runtime, 'clock' | 'closing'>,
  machines: Pick<CliMachines, 'borrow' | 'release'>,
): WorkFiles {
  return {
    list: async (userId, machineId, request) => {
      const machine = machines.borrow(userId, machineId);
      try {
        using deadline = clock.deadline(LIST_MS, () => tooLong(LIST_MS), closing);
        return await machine.running.agent.listFiles(request, deadline.signal);
      } finally {
        machines.release(machine);
      }
    },
    read: async (userId, machineId, path, signal) => {
      const machine = machines.borrow(userId, machineId);
      const deadline = clock.deadline(READ_MS, () => tooLong(READ_MS), AbortSignal.any([signal, closing]));
      const end = (): void => {
        deadline[Symbol.dispose]();
        machines.release(machine);
      };
      try {
        const file = await machine.running.agent.readFile(path, deadline.signal);
        file.body.once('close', end);
        return file;
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}

function tooLong(ms: number): SallyportError {
  return new SallyportError('AGENT_UNREACHABLE', `The machine's files could not be read within ${ms / 1000} s.`);
}
