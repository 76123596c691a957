import { SallyportError } from '@sallyport/core';
import type { RefusalReason } from '@sallyport/core/egress';

import type { Destination } from './destination.ts';

export interface Explanation {
  readonly reason: RefusalReason;
  /** For the operator: the cause, and what to do. */
  readonly problem: string;
}

/**
 * Why no connection to a host came about. `stage` is how far it got; an error of the upstream proxy says so itself,
 * whatever the stage.
 */
export function explainFailure(
  { host, port }: Destination,
  stage: RefusalReason,
  error: unknown,
  proxySetting = '`egress` in the configuration',
): Explanation {
  if (SallyportError.isInstance(error) && error.code === 'EGRESS_FAILED') {
    return { reason: 'upstream', problem: [error.message, error.hint].filter(Boolean).join(' ') };
  }
  const why = causeOf(error);
  const because = why === undefined ? '' : ` (${why})`;
  switch (stage) {
    case 'upstream':
      return {
        reason: 'upstream',
        problem: `The upstream proxy does not answer${because}. Check that it is up, and ${proxySetting}.`,
      };
    case 'not-found':
      return {
        reason: 'not-found',
        problem: `This host finds no address for ${host}${because}. Check its name service: /etc/resolv.conf.`,
      };
    default:
      return {
        reason: 'unreachable',
        problem: `${host} does not answer on port ${port}${because}. Check the firewall of this host; where it needs a proxy, set ${proxySetting}.`,
      };
  }
}

/** The code of an error of Node, or the words of an error of this package. */
function causeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
