import { z } from 'zod';

/** What tests may know about a fake vendor. The same for all of them. */
export const vendorStateSchema = z.object({
  /** Stand in every token, and in every authorization code, as they are: a search finds whatever leaked. */
  canaries: z.object({ token: z.string(), code: z.string() }),
  /** A key that the API accepts in place of a login. */
  apiKey: z.string(),
  faults: z.record(z.string(), z.unknown()),
  logins: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(['browser', 'device']),
      /** The machine whose egress loaded the page, or `personMachineId` for the user's own browser. */
      machineId: z.string(),
      /** The symbols that are painted now. */
      code: z.string(),
      wrongTries: z.number(),
      /** Other machines that tried to see or to finish this login. */
      strangers: z.array(z.string()),
      outcome: z.enum(['waiting', 'approved', 'denied', 'too-many-tries']),
    }),
  ),
  families: z.array(
    z.object({
      id: z.string(),
      machineId: z.string(),
      scope: z.string(),
      refreshes: z.number(),
      revokedBecause: z.string().nullable(),
      usedBy: z.array(z.string()),
    }),
  ),
});

export type VendorState = z.infer<typeof vendorStateSchema>;
