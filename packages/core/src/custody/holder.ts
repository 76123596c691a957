import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { SallyportError } from '../base/errors.ts';
import type { SerialQueue } from '../base/serial-queue.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';

/** A credential that a machine runs without: which version, and why. */
export interface Withheld {
  readonly version: number;
  readonly error: SallyportError;
}

/** A running machine that holds a user's credentials. */
export interface Holder {
  readonly userId: string;
  readonly running: RunningMachine;
  /** Providers whose CLI it can run. */
  readonly providers: ReadonlySet<string>;
  /** Credentials that were kept off it. */
  readonly withheld: ReadonlyMap<string, Withheld>;
  /**
   * Providers whose credential file the CLI has made unusable. Their next use restarts the machine, which writes the
   * stored version back.
   */
  readonly damaged: Set<string>;
  /**
   * Serializes storing a rotation and checking whether the machine is up to date. In between, the machine looks
   * stale.
   */
  readonly intake: SerialQueue;
  /** Called with each credential that the machine offers, before it is stored or refused. */
  readonly offerListeners: Set<(provider: string, files: CredentialFiles) => void>;
}
