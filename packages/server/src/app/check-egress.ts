import { SallyportError, toSallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { Check } from '@sallyport/core/driver';
import type { Egress } from '@sallyport/core/egress';
import type { ProviderManifest } from '@sallyport/core/provider';

const ANSWER_MS = 15_000;

export interface EgressCheck {
  readonly egress: Egress;
  /** What the CLIs of these reach is what is asked for. */
  readonly manifests: readonly ProviderManifest[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Whether the machines' egress leads out. `undefined`: it leads through nothing that could be asked. */
export async function checkEgress({ egress, manifests, clock, signal }: EgressCheck): Promise<Check | undefined> {
  const host = manifests.flatMap((manifest) => manifest.egress.cli).find((entry) => !entry.includes('*'));
  if (!egress.check || host === undefined) return undefined;
  const name = 'egress of the machines';
  const late = (): SallyportError =>
    new SallyportError('EGRESS_FAILED', `${egress.name} opened no connection in ${ANSWER_MS / 1000} s.`);
  using deadline = clock.deadline(ANSWER_MS, late, signal);
  try {
    await egress.check(host, { signal: deadline.signal });
    return { name, state: 'ok', found: `${egress.name} leads to ${host}` };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = deadline.signal.aborted ? late() : toSallyportError(thrown, 'EGRESS_FAILED', 'It leads nowhere.');
    return { name, state: 'missing', found: `${error.message} Nothing leaves another way.`, fix: error.hint };
  }
}
