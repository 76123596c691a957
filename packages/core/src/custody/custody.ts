import type { Machine } from '../contracts/driver.ts';
import type { CredentialRecord, MachineRecord } from '../contracts/store.ts';
import { checkRelease } from './check-release.ts';
import type { ReleaseRequest } from './check-release.ts';
import type { Holder, Withheld } from './holder.ts';
import { findStale, staleProviders } from './holdings.ts';
import type { Holdings } from './holdings.ts';
import { giveBackAll, loseCredentials } from './lose.ts';
import type { CustodyParts } from './parts.ts';
import { handleRefusal } from './refusal.ts';
import { releaseCredentials } from './release.ts';
import { removeCredential } from './remove.ts';
import { captureCredentials, watchCredentials } from './rotations.ts';
import { settleCredentials } from './settle.ts';

/**
 * The one owner of where credentials are: in the ledger, on a machine's disk, or lost. Nothing else leases them, gives
 * them back, ends them, or writes them to a disk.
 *
 * A machine holds the lease of a credential from before it starts until its disk is read after it stopped. As long as the
 * lease exists, the machine may have a version that is stored nowhere else. If the disk is gone or is another one, the
 * stored version is invalidated, since its refresh token may be spent. If only the CLI's file is unusable, or holds an
 * older or another login, the stored version is written back, and the provider decides.
 */
export interface Custody {
  /** Reads a stopped machine's disk, stores rotations that went unnoticed, and releases its leases. */
  settle(userId: string, machine: Machine): Promise<void>;
  /**
   * Writes the newest version of every connected provider to a stopped machine's disk, and removes everything else. `isNew`:
   * the disk is empty. Compares what is on the disk rather than what was recorded, since the disk may have been restored to
   * an earlier state. A credential that cannot be released is removed from the disk and does not block the other
   * providers. Nor does what the CLI or its user put in place of a file, such as a symbolic link: the stored version
   * replaces it.
   */
  release(
    machine: Machine,
    request: ReleaseRequest & { readonly isNew: boolean },
  ): Promise<ReadonlyMap<string, Withheld>>;
  /** Asks the plugins whether this credential may be used on a machine. Throws `CREDENTIAL_REFUSED` if one refuses. */
  check(credential: Pick<CredentialRecord, 'provider' | 'version' | 'facts'>, request: ReleaseRequest): Promise<void>;
  /**
   * Providers whose stored version is gone or differs from the one on the machine's disk. Leaves out credentials that
   * are invalid or withheld: they are not released, so a restart would not help.
   */
  stale(holdings: Holdings): readonly string[];
  /** The same for the current row of a machine and the current store. */
  staleNow(userId: string, machineId: string, withheld: ReadonlyMap<string, Withheld>): Promise<readonly string[]>;
  /** Watches a running machine and stores each rotation as soon as it is complete on disk. */
  watch(holder: Holder): Promise<void>;
  /** Reads and stores what a running machine holds. Throws if any of it cannot be read or stored. */
  capture(holder: Holder): Promise<void>;
  /**
   * Handles a CLI that says its provider wants a new login. Ends the stored credential if the CLI ran with it. Otherwise
   * the next use of the machine writes the stored version back, and only if that is refused too does it end.
   */
  refused(holder: Holder, provider: string): Promise<'ended' | 'write-back'>;
  /**
   * Ends a credential without a word to its user, who is about to be logged out: from now on it may be revoked. Resolves to
   * whether this call ended it.
   */
  endForLogout(userId: string, provider: string): Promise<boolean>;
  /** Releases everything leased to a machine that never ran: it is unchanged. */
  giveBack(machine: Pick<MachineRecord, 'userId' | 'machineId'>): Promise<void>;
  /**
   * Handles a machine that is gone from its host. Any version it held and that was not read is lost. `forGood`: it was
   * destroyed; otherwise it may come back, so it keeps its leases.
   */
  lose(machine: Pick<MachineRecord, 'userId' | 'machineId'>, options: { readonly forGood: boolean }): Promise<void>;
  /** Removes a provider's credential from a stopped machine's disk. */
  remove(machine: Machine, provider: string): Promise<void>;
}

export function createCustody(parts: CustodyParts): Custody {
  return {
    settle: (userId, machine) => settleCredentials(parts, userId, machine),
    release: (machine, request) => releaseCredentials(parts, machine, request),
    check: (credential, request) => checkRelease(parts, credential, request),
    stale: (holdings) => findStale(parts, holdings),
    staleNow: (userId, machineId, withheld) => staleProviders(parts, userId, machineId, withheld),
    watch: (holder) => watchCredentials(parts, holder),
    capture: (holder) => captureCredentials(parts, holder),
    refused: (holder, provider) => handleRefusal(parts, holder, provider),
    endForLogout: (userId, provider) => parts.ledger.markInvalid({ userId, provider, reason: 'refused' }),
    giveBack: (machine) => giveBackAll(parts, machine),
    lose: (machine, { forGood }) => loseCredentials(parts, machine, forGood),
    remove: (machine, provider) => removeCredential(parts, machine, provider),
  };
}
