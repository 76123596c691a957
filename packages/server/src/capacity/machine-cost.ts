import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { SallyportError } from '@sallyport/core';

import { hasCode } from '../host/node-error.ts';

const amount = z.number().min(0);

const machineCostSchema = z.strictObject({
  /** `MachineDriver.name`. */
  driver: z.string().min(1),
  /** What ran the machines' processors, where the driver has a choice. */
  accelerator: z.string().min(1).optional(),
  measuredAt: z.iso.datetime(),
  /** What printed these figures. */
  command: z.string(),
  /** Where, in words. */
  host: z.string(),
  /** How many machines it is the median of. */
  machines: z.int().positive(),
  /** What each was made with, which the server reserves while it runs. */
  plan: z.strictObject({ memoryMb: amount.positive(), vcpus: amount.positive(), diskMb: amount.positive() }),
  /** One that runs and does nothing: memory in MiB, with shared memory divided among those who share it; part of a processor. */
  running: z.strictObject({ memoryMb: amount, processors: amount }),
  /** One at rest: MiB on the disk, with its snapshot where the driver takes one. */
  resting: z.strictObject({ kind: z.enum(['hibernated', 'stopped']), diskMb: amount, snapshotMb: amount }),
});

/** What one CLI machine takes of its host, as measured. */
export type MachineCost = Readonly<z.output<typeof machineCostSchema>>;

const fileSchema = z.strictObject({ version: z.literal(1), costs: z.array(machineCostSchema) });

/** In the data directory: what was measured on this host. */
export const COSTS_FILE = 'machine-costs.json';

/** What was measured with this data directory. It is not an error if nothing was. */
export async function readCosts(dataDirectory: string): Promise<readonly MachineCost[]> {
  const path = join(dataDirectory, COSTS_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (text === undefined) return [];
  try {
    return fileSchema.parse(JSON.parse(text)).costs;
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `${path} does not hold what a measurement writes.`, {
      hint: 'Remove it and measure again: sallyport capacity measure',
      cause,
    });
  }
}

/** Keeps a measurement in place of an earlier one of the same kind of machine. */
export async function saveCost(dataDirectory: string, cost: MachineCost): Promise<void> {
  const others = (await readCosts(dataDirectory)).filter((other) => kindOf(other) !== kindOf(cost));
  const path = join(dataDirectory, COSTS_FILE);
  await writeFile(`${path}.new`, `${JSON.stringify({ version: 1, costs: [...others, cost] }, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
}

/** Machines of a kind cost about the same. */
export function kindOf({ driver, accelerator }: Pick<MachineCost, 'driver' | 'accelerator'>): string {
  return accelerator === undefined ? driver : `${driver} with ${accelerator}`;
}
