import { z } from 'zod';

import type { Controllable } from './site.ts';

const schema = z.strictObject({
  /** Every answer waits this long. */
  delayMs: z.number().int().min(0).max(60_000),
  /** The connection is cut as soon as a request has arrived. */
  dropConnections: z.boolean(),
});

export type NetworkFaults = z.infer<typeof schema>;

/** Fault switches of the wire itself, the same for every host. */
export function createNetworkFaults(): Controllable & { readonly current: () => NetworkFaults } {
  let faults: NetworkFaults = { delayMs: 0, dropConnections: false };
  return {
    current: () => faults,
    setFaults(change) {
      faults = schema.parse({ ...faults, ...z.record(z.string(), z.unknown()).parse(change) });
    },
    state: () => ({ faults }),
  };
}
