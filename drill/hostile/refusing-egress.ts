import { systemClock } from '@sallyport/core';
import type { EgressRoute } from '@sallyport/core/egress';
import { createDirectEgress } from '@sallyport/machines';

import { egressOptions } from '../../packages/core/src/machine/provision-machine.ts';
import { createRefusals } from '../../packages/core/src/runtime/egress-refusals.ts';
import { createRepeatLimit } from '../../packages/core/src/runtime/repeat-limit.ts';
import type { RepeatLimit } from '../../packages/core/src/runtime/repeat-limit.ts';
import { HANG_LIMIT_MS } from './with-machine.ts';

export interface RefusingEgress {
  readonly route: EgressRoute;
  /** Rows that its refusals have written to the audit log. */
  rows(): number;
}

/** A machine's egress that is wired as in a server and allows one host, with the limit of repeats or without. */
export async function openRefusingEgress(directory: string, isLimited: boolean): Promise<RefusingEgress> {
  const limit = createRepeatLimit({ clock: systemClock });
  const everyTime: RepeatLimit = { ...limit, note: (refused) => refused.tell(1, false) };
  let rows = 0;
  const server = {
    repeatLimit: isLimited ? limit : everyTime,
    emit: () => void (rows += 1),
    reportBackground: () => {},
    refusals: createRefusals(),
  };
  const plan = {
    machineId: 'm-drill',
    userId: 'u',
    purpose: 'work',
    hosts: ['only.test'],
    identity: { userId: 'u' },
  } as const;
  const egress = createDirectEgress({ directory, clock: systemClock });
  const route = await egress.open(plan, egressOptions(server, plan, AbortSignal.timeout(HANG_LIMIT_MS)));
  return {
    route,
    rows: () => {
      limit.flush();
      return rows;
    },
  };
}
