import type { InvalidReason } from './credential-files.ts';
import type { RefusalReason } from './egress.ts';
import type { MachineStart } from './plan.ts';

/**
 * Why a held login was deleted: the backend named another user than the one its link was made for, as after an attempt to
 * have another user's account connected to it, or the backend did not claim it in time.
 */
export type DiscardReason = 'other-user' | 'unclaimed';

/** Every state change, reported once, for audit, metrics and webhooks. Never contains a secret. */
export type DomainEvent = { readonly at: number; readonly userId: string | null } & (
  | {
      readonly type: 'login.started';
      readonly sessionId: string;
      readonly provider: string;
      readonly method: string;
      readonly display: string;
      /** Id of the consent text that the user saw, if the caller sent it. */
      readonly consent?: string;
    }
  | { readonly type: 'login.phase'; readonly sessionId: string; readonly provider: string; readonly phase: string }
  | {
      readonly type: 'login.completed';
      readonly sessionId: string;
      readonly provider: string;
      readonly version: number;
    }
  /** The login worked, and its credential waits for the product's backend to claim it. `login.completed` follows then. */
  | { readonly type: 'login.held'; readonly sessionId: string; readonly provider: string }
  /** What was held has been deleted. */
  | {
      readonly type: 'login.discarded';
      readonly sessionId: string;
      readonly provider: string;
      readonly reason: DiscardReason;
    }
  | { readonly type: 'login.failed'; readonly sessionId: string; readonly provider: string; readonly code: string }
  | { readonly type: 'login.cancelled'; readonly sessionId: string; readonly provider: string }
  | { readonly type: 'login.viewer'; readonly sessionId: string; readonly state: 'attached' | 'detached' }
  | {
      readonly type: 'credential.stored';
      readonly provider: string;
      readonly version: number;
      readonly reason: 'login' | 'rotation' | 'harvest' | 'import';
    }
  | {
      readonly type: 'credential.rejected';
      readonly provider: string;
      readonly problem: string;
      /** See `egress.refused`. */
      readonly count?: number;
    }
  | {
      readonly type: 'credential.injected';
      readonly provider: string;
      readonly version: number;
      readonly machineId: string;
    }
  /** A plugin, another machine or the state of the store kept the credential off a machine, which runs without it. */
  | {
      readonly type: 'credential.withheld';
      readonly provider: string;
      readonly machineId: string;
      readonly code: string;
    }
  /** The user has to log in again. */
  | { readonly type: 'credential.invalid'; readonly provider: string; readonly reason: InvalidReason }
  /** Sent once, three days before the user has to log in again. */
  | { readonly type: 'credential.expiring'; readonly provider: string; readonly loginExpiresAt: number }
  /** The row was changed in the database: its hash or facts are not those that were sealed. It is not given out. */
  | { readonly type: 'credential.altered'; readonly provider: string; readonly version: number }
  | { readonly type: 'credential.erased'; readonly provider: string }
  /** The user disconnects a provider again to repeat it. */
  | { readonly type: 'credential.erase-failed'; readonly provider: string; readonly code: string }
  | { readonly type: 'credential.import-failed'; readonly provider: string; readonly code: string }
  | { readonly type: 'provider.disabled' | 'provider.enabled'; readonly provider: string }
  | {
      readonly type: 'machine.state';
      readonly machineId: string;
      readonly role: string;
      readonly state: string;
      /** With `running`: how it came up, and how long that took from its turn on. */
      readonly started?: MachineStart;
    }
  /** What a user asked for. What the server does to machines on its own shows in their state. */
  | {
      readonly type: 'machine.action-failed';
      readonly machineId: string;
      readonly action: 'hibernate' | 'wake' | 'destroy';
      readonly code: string;
    }
  | {
      readonly type: 'egress.refused';
      readonly machineId: string;
      readonly host: string;
      readonly reason: RefusalReason;
      /** For the operator: the cause, and what to change. Absent: `reason` says it all. */
      readonly problem?: string;
      /**
       * How many refusals this event stands for. Absent: one. The first refusal is reported at once; those in the
       * following minute are reported together.
       */
      readonly count?: number;
    }
  /**
   * The driver removed resources on a host that belonged to machines that no longer exist. One short description
   * each.
   */
  | { readonly type: 'host.cleared'; readonly host: string; readonly removed: readonly string[] }
  /** The user's credentials, machine and history were deleted. */
  | { readonly type: 'user.erased' }
  | { readonly type: 'user.erase-failed'; readonly code: string }
  /** Another server has claimed this host's name. This server must stop. */
  | { readonly type: 'server.superseded'; readonly host: string }
  | {
      readonly type: 'prompt.started';
      readonly promptId: string;
      readonly provider: string;
      /** The prompt asked to use the settings of a project in `~/work`. */
      readonly projectSettings?: 'use';
    }
  | {
      readonly type: 'prompt.ended';
      readonly promptId: string;
      readonly provider: string;
      readonly outcome: string;
      /** The error code of a prompt that did not complete. */
      readonly code?: string;
    }
);
