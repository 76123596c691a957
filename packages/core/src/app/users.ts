import { SallyportError } from '../base/errors.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { Logins } from '../login/logins.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { userErased } from '../runtime/user-gate.ts';

export interface Users {
  /**
   * Ends a user's logins and prompts, then deletes the machine with its disk, every credential, the history and the user.
   * The audit log keeps its entries, which hold ids and no content. Idempotent: call it again if it fails half-way.
   *
   * @throws SallyportError `MACHINE_BUSY` if a machine of the user is on another host, whose server has to do it.
   */
  erase(userId: string): Promise<void>;
}

export function createUsers(
  runtime: Runtime,
  {
    machines,
    logins,
    prompts,
  }: {
    readonly machines: Pick<CliMachines, 'destroy'>;
    readonly logins: Pick<Logins, 'endOf'>;
    readonly prompts: Pick<Prompts, 'endOf'>;
  },
): Users {
  const { store } = runtime;

  async function destroyMachines(userId: string): Promise<void> {
    for (const { machineId, role, state, host } of await store.machines.list({ userId })) {
      // A browser machine is destroyed with its login.
      if (role !== 'cli' || state === 'destroyed') continue;
      if (host !== runtime.host) {
        throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} of this user is on host ${host}.`, {
          hint: 'Delete the user at the server of that host.',
          details: { machineId, host },
        });
      }
      await machines.destroy(userId, machineId);
    }
  }

  async function endEverything(userId: string): Promise<void> {
    await Promise.all([logins.endOf(userId, userErased), prompts.endOf(userId, undefined, userErased)]);
  }

  async function erase(userId: string, settled: () => Promise<void>): Promise<void> {
    if (!(await store.users.get(userId))) return;
    await endEverything(userId);
    // What was being sent when the gate closed.
    await settled();
    await endEverything(userId);
    await destroyMachines(userId);
    for (const { provider } of await store.credentials.list(userId)) await runtime.ledger.erase(userId, provider);
    await store.history.erase(userId);
    await store.users.erase(userId);
    runtime.emit({ type: 'user.erased', userId });
  }

  return { erase: (userId) => runtime.userGate.erase(userId, (settled) => erase(userId, settled)) };
}
