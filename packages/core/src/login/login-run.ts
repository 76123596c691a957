import type { WarmMachines } from '../browser-machine/warm-pool.ts';
import type { Provider } from '../contracts/provider.ts';
import type { Candidate } from './method-selection.ts';
import type { LiveSession } from './session.ts';

export interface LoginRun {
  readonly session: LiveSession;
  readonly provider: Provider;
  /** Tried in this order. */
  readonly candidates: readonly Candidate[];
  readonly warmMachines: WarmMachines;
  /** A login of the other kind may be replaced. */
  readonly replace: boolean;
}
