import { z } from 'zod';

const schema = z.strictObject({
  /** Life of an access token from now on, as `expires_in` says. */
  accessLifetimeSeconds: z.number().int().min(1),
  /** Access tokens issued before this moment (milliseconds since the epoch) count as expired. */
  accessExpiredBefore: z.number().int().min(0),
  /** The token endpoint answers with this status. */
  tokenStatus: z.number().int().min(400).max(599).nullable(),
  /** The token endpoint refuses every refresh. */
  refreshFail: z.boolean(),
  /** The model API answers with this status. */
  modelStatus: z.union([z.literal(401), z.literal(429), z.literal(500)]).nullable(),
  /** The provider refuses the person after a correct code. */
  denyLogin: z.boolean(),
  /** The redirect to the CLI carries another `state` than the link did. */
  wrongState: z.boolean(),
});

export type GoogleFaults = z.infer<typeof schema>;

export interface GoogleFaultSwitches {
  readonly current: () => GoogleFaults;
  readonly change: (change: unknown) => void;
}

export function createGoogleFaults(): GoogleFaultSwitches {
  let faults: GoogleFaults = {
    accessLifetimeSeconds: 3600,
    accessExpiredBefore: 0,
    tokenStatus: null,
    refreshFail: false,
    modelStatus: null,
    denyLogin: false,
    wrongState: false,
  };
  return {
    current: () => faults,
    change(change) {
      faults = schema.parse({ ...faults, ...z.record(z.string(), z.unknown()).parse(change) });
    },
  };
}
