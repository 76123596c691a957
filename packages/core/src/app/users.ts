import { SallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { HeldLogins } from '../login/held-logins.ts';
import type { Logins } from '../login/logins.ts';
import type { Prompts } from '../prompts/prompts.ts';
import { recordFailure } from '../runtime/record-failure.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { userErased } from '../runtime/user-gate.ts';

export interface Users {
  /**
   * Ends a user's logins and prompts, tries for up to 30 s to log out at the vendors, then deletes the machine with its
   * disk, every credential, the history and the user. The audit log keeps its entries, which hold ids and no content.
   * Idempotent: call it again if it fails half-way.
   *
   * @throws SallyportError `MACHINE_BUSY` if a machine of the user is on another host, whose server has to do it;
   * `LOGIN_IN_PROGRESS` if the user is logging in at the server of another host.
   */
  erase(userId: string): Promise<void>;
}

export function createUsers(
  runtime: Runtime,
  {
    machines,
    logins,
    heldLogins,
    prompts,
  }: {
    readonly machines: Pick<CliMachines, 'destroy' | 'logOut'>;
    readonly logins: Pick<Logins, 'endOf'>;
    readonly heldLogins: Pick<HeldLogins, 'discard'>;
    readonly prompts: Pick<Prompts, 'endOf'>;
  },
): Users {
  const { store } = runtime;

  /** What runs at another server would go on, and a login there would store what it brings. */
  async function refuseElsewhere(userId: string): Promise<void> {
    const machine = (await cliMachinesOf(userId)).find(({ host }) => host !== runtime.host);
    if (machine) {
      const { machineId, host } = machine;
      throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} of this user is on host ${host}.`, {
        hint: 'Delete the user at the server of that host.',
        details: { machineId, host },
      });
    }
    const session = (await store.sessions.live()).find(
      ({ userId: of, host }) => of === userId && host !== null && host !== runtime.host,
    );
    if (!session) return;
    const { sessionId, host } = session;
    throw new SallyportError('LOGIN_IN_PROGRESS', `The user is logging in at the server of host ${host}.`, {
      hint: 'Cancel that login, or delete the user at that server.',
      details: { sessionId, host },
    });
  }

  /** A browser machine is destroyed with its login. */
  async function cliMachinesOf(userId: string): Promise<readonly MachineRecord[]> {
    const records = await store.machines.list({ userId });
    return records.filter(({ role, state }) => role === 'cli' && state !== 'destroyed');
  }

  async function endEverything(userId: string): Promise<void> {
    await Promise.all([logins.endOf(userId, userErased), prompts.endOf(userId, undefined, userErased)]);
  }

  async function erase(userId: string, settled: () => Promise<void>): Promise<void> {
    // Also of a user who is not stored, tokens and connect links may be out there.
    const isStored = (await store.users.get(userId)) !== undefined;
    await refuseElsewhere(userId);
    await endEverything(userId);
    // What was being sent when the gate closed.
    await settled();
    await endEverything(userId);
    await machines.logOut(userId);
    for (const { linkId, sessionId } of await store.connectLinks.list({ userId })) {
      if (sessionId !== null) await heldLogins.discard({ sessionId, userId });
      await store.connectLinks.remove(linkId);
    }
    for (const { machineId } of await cliMachinesOf(userId)) await machines.destroy(userId, machineId);
    for (const { provider } of await store.credentials.list(userId)) await runtime.ledger.erase(userId, provider);
    await store.history.erase(userId);
    await store.idempotency.erase(userId);
    const { audit, announce } = runtime.noteEvent({ type: 'user.erased', userId });
    await store.users.erase(userId, audit);
    if (isStored) announce();
  }

  return {
    erase: (userId) =>
      runtime.userGate.erase(userId, (settled) => {
        const failed = (code: ErrorCode) => ({ type: 'user.erase-failed', userId, code }) as const;
        return recordFailure(runtime, failed, () => erase(userId, settled));
      }),
  };
}
