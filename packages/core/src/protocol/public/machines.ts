import { z } from 'zod';

import { timeSchema } from './common.ts';

export const machineSchema = z.object({
  vmId: z.string(),
  type: z.enum(['browser', 'cli']),
  status: z.string(),
  driver: z.string(),
  host: z.string(),
  memoryMb: z.number(),
  createdAt: timeSchema,
});

export const machineListSchema = z.array(machineSchema);
export const machineParamsSchema = z.strictObject({ id: z.string().min(1).max(64) });

export const hostLoadSchema = z
  .object({
    waiting: z.number().int().describe('Machines that wait for their turn to be started.'),
    underWay: z.number().int().describe('Machines that are being started or ended.'),
    running: z.number().int(),
    hibernated: z.number().int(),
    reservedMemoryMb: z.number(),
    memoryLimitMb: z.number().nullable().describe('Null if there is no limit.'),
  })
  .describe("What this host does for all users' machines at the moment.");
