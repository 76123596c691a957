import { SallyportError } from '../base/errors.ts';
import type { Machine } from '../contracts/driver.ts';
import type { CliMachines } from './cli-machines.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { findCliMachine } from './find-cli-machine.ts';
import { logOut, revocableLogins } from './log-out.ts';
import { LOGOUT_MS } from './run-logout.ts';
import type { VendorRevoked } from './run-logout.ts';
import type { CliMachineParts } from './pool.ts';

/** Ends machines because someone asked for it, and what of a user's logins is on them. */
export function createRemoval(
  runtime: CliRuntime,
  { machines, transitions, arrivals }: CliMachineParts,
): Pick<CliMachines, 'hibernate' | 'destroy' | 'forget' | 'logOut'> {
  /** Starts the machine if it does not run. Must be called in the user's queue. Never rejects. */
  async function logOutAtVendors(userId: string, only?: string): Promise<ReadonlyMap<string, VendorRevoked>> {
    let outcomes: ReadonlyMap<string, VendorRevoked> = new Map();
    await runtime.bestEffort('logging a user out at a vendor', async () => {
      const logins = await revocableLogins(runtime, userId, only);
      const [provider] = logins;
      if (provider === undefined || machines.closed || (await isElsewhere(userId))) return;
      using deadline = runtime.clock.deadline(LOGOUT_MS, logoutTooLong, runtime.closing);
      const noRoom = new AbortController();
      const signal = AbortSignal.any([deadline.signal, noRoom.signal]);
      // An erasure does not wait until other users' machines make room.
      const onProgress = (state: string): void => {
        if (state === 'queued') noRoom.abort(new SallyportError('MACHINE_BUSY', 'There is no room for a logout.'));
      };
      const entry = await transitions.wakeOrStart({ userId, provider, signal, onProgress });
      outcomes = await logOut(runtime, entry, logins, signal);
    });
    return outcomes;
  }

  /** A start here would replace a machine of another host. */
  async function isElsewhere(userId: string): Promise<boolean> {
    const known = await findCliMachine(runtime, userId);
    return known !== undefined && known.record.host !== runtime.host;
  }

  /** What cannot be read is given up with the disk. What cannot be stored now is kept: the caller can ask again. */
  async function harvestLast(userId: string, machine: Machine): Promise<void> {
    try {
      await runtime.custody.settle(userId, machine);
    } catch (error) {
      if (SallyportError.isInstance(error) && error.code === 'STORE_UNAVAILABLE') throw error;
      runtime.reportBackground(`harvesting machine ${machine.id}`, error);
    }
  }

  function disconnected(provider: string): SallyportError {
    const { title } = runtime.registry.get(provider).manifest;
    return new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} was disconnected while this waited for a machine.`);
  }

  return {
    hibernate: (userId, machineId) =>
      machines.exclusively(userId, async () => {
        const entry = machines.up.get(userId);
        if (entry?.running.id !== machineId) {
          if ((await runtime.store.machines.get(machineId))?.state === 'hibernated') return;
          throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} is not running.`, {
            hint: 'Only a running machine can hibernate. The next prompt starts it.',
          });
        }
        if (entry.active > 0)
          throw new SallyportError(
            'MACHINE_BUSY',
            `Machine ${machineId} is running a prompt, or a file is read from it.`,
            {
              hint: 'Wait until that ends, or cancel the prompt.',
            },
          );
        await transitions.rest(userId, 'hibernate');
        if ((await runtime.store.machines.get(machineId))?.state !== 'hibernated')
          throw new SallyportError('MACHINE_FAILED', `Machine ${machineId} could not hibernate and was stopped.`);
      }),
    destroy: async (userId, machineId) => {
      const isTheirs = (await runtime.store.users.get(userId))?.machineId === machineId;
      const anybody = isTheirs && arrivals.dismiss(userId, () => destroyed(machineId));
      await machines.exclusively(userId, async () => {
        const isCurrent = machines.up.get(userId)?.running.id === machineId;
        if (isCurrent) await transitions.rest(userId, 'destroy');
        const known = await findCliMachine(runtime, userId, machineId);
        // The machine was not created yet, and its caller has given up.
        if (!known && anybody) return;
        if (!known) throw new SallyportError('MACHINE_UNKNOWN', 'This user does not have a machine.');
        const { record, existing } = known;
        await runtime.admission.clear({ kind: 'destroy', machineId, userId }, async () => {
          if (!existing) return;
          await existing.stop({ deadlineMs: 2_000 });
          await harvestLast(userId, existing);
          await existing.destroy();
        });
        await runtime.custody.lose(record, { forGood: true });
        if ((await runtime.store.users.get(userId))?.machineId === machineId)
          await runtime.store.users.setMachine(userId, null);
        await runtime.setMachineState(machineId, userId, 'cli', 'destroyed');
      });
    },
    forget: async (userId, provider, erase) => {
      arrivals.dismiss(userId, (theirs) => (theirs === provider ? disconnected(provider) : 'again'));
      return machines.exclusively(userId, async () => {
        const revoked = (await logOutAtVendors(userId, provider)).get(provider) ?? false;
        await transitions.rest(userId, 'disconnected', runtime.closing);
        await erase();
        const known = await findCliMachine(runtime, userId);
        if (!known?.existing) return revoked;
        // The disk of a hibernating machine cannot be written.
        await known.existing.stop({ deadlineMs: 2_000 });
        await runtime.custody.remove(known.existing, provider);
        await known.existing.disk.eraseHome?.(provider);
        if (known.record.state === 'hibernated')
          await runtime.setMachineState(known.record.machineId, userId, 'cli', 'stopped');
        return revoked;
      });
    },
    logOut: (userId) => machines.exclusively(userId, async () => void (await logOutAtVendors(userId))),
  };
}

function destroyed(machineId: string): SallyportError {
  const message = `Machine ${machineId} was destroyed while this waited for it to be started.`;
  return new SallyportError('MACHINE_FAILED', message, { hint: 'The next prompt creates a new machine.' });
}

function logoutTooLong(): SallyportError {
  return new SallyportError('AGENT_UNREACHABLE', `The logout did not end within ${LOGOUT_MS / 1000} s.`);
}
