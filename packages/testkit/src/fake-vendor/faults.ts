import { z } from 'zod';

const schema = z.strictObject({
  /** Life of an access token from now on, as the token says. */
  accessLifetimeSeconds: z.number().int().min(1),
  /** Access tokens issued before this moment (milliseconds since the epoch) count as expired. */
  accessExpiredBefore: z.number().int().min(0),
  /** The token endpoint answers with this status. */
  tokenStatus: z.number().int().min(400).max(599).nullable(),
  /** What is wrong with the tokens it gives: no `scope`, half of the JSON, or a token of ten megabytes. */
  tokenBody: z.enum(['no-scope', 'truncated', 'huge']).nullable(),
  /** The token endpoint refuses every refresh with this code (RFC 6749 §5.2), and consumes nothing. */
  refreshFail: z.string().nullable(),
  /** The model API answers 401: once, or until switched off. */
  api401: z.union([z.boolean(), z.literal('once')]),
  /** The model API answers with this status. */
  modelStatus: z.union([z.literal(429), z.literal(500)]).nullable(),
  /** Bytes per write of a streamed answer, with a short pause between; `null` for whole events. */
  slowBytes: z.number().int().min(1).nullable(),
  /** The provider refuses the user after a correct code. */
  denyLogin: z.boolean(),
  /** The redirect to the CLI carries another `state` than the link did. */
  wrongState: z.boolean(),
});

/** What a fake vendor can be told to do wrong. The same for all of them. */
export type VendorFaults = z.infer<typeof schema>;

export interface VendorFaultSwitches {
  readonly current: () => VendorFaults;
  readonly change: (change: unknown) => void;
}

export function createVendorFaults(lifetime: { readonly accessLifetimeSeconds: number }): VendorFaultSwitches {
  let faults: VendorFaults = {
    ...lifetime,
    accessExpiredBefore: 0,
    tokenStatus: null,
    tokenBody: null,
    refreshFail: null,
    api401: false,
    modelStatus: null,
    slowBytes: null,
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
