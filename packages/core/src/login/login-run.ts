import type { WarmPool } from '../browser-machine/warm-pool.ts';
import type { Provider } from '../contracts/provider.ts';
import type { MethodChoice } from './method-selection.ts';
import type { LiveSession } from './session.ts';

export interface LoginRun {
  readonly session: LiveSession;
  readonly provider: Provider;
  /** Tried in this order. */
  readonly choices: readonly MethodChoice[];
  readonly warmPool: WarmPool;
  /** A login of the other kind may be replaced. */
  readonly replace: boolean;
  /** Keeps the credential under the id of the session, where no machine gets it, until it is claimed: see `HeldLogins`. */
  readonly hold: boolean;
}
