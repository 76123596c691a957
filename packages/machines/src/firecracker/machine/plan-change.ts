import { join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';

import { hashFile } from '../../host/hashing/hash-file.ts';
import type { FirecrackerRecord } from './record.ts';

/** Why a machine that sleeps cannot go on under a plan; `undefined` where it can. */
export async function planChange(
  { plan: before }: Pick<FirecrackerRecord, 'plan'>,
  { agent }: NonNullable<FirecrackerRecord['asleep']>,
  after: MachinePlan = before,
): Promise<string | undefined> {
  const shape = ({ memoryMb, vcpus, image, desktop, clis }: MachinePlan): string =>
    JSON.stringify([memoryMb, vcpus, image, desktop, clis]);
  if (shape(before) !== shape(after)) return 'it is to be another machine than the one that went to sleep';
  return (await hashAgent(after)) === agent ? undefined : 'its agent is of another version than this server';
}

/** The agent that sleeps is the program that was on its drive. */
export const hashAgent = ({ agent }: Pick<MachinePlan, 'agent'>): Promise<string> =>
  hashFile(join(agent.directory, agent.entry));
