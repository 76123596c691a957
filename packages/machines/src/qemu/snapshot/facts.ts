import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';

import { hardwareHash } from '../hardware.ts';
import type { Hardware } from '../hardware.ts';
import { fileFacts } from '../../host/file-facts.ts';
import { hostFacts } from './manifest.ts';
import type { SnapshotFacts } from './manifest.ts';

/** SHA-256 of what the server gives a machine to read. */
export type SourceHashes = Pick<SnapshotFacts, 'kernel' | 'image' | 'agentDrive'>;

export interface FactSources {
  readonly plan: MachinePlan;
  readonly hardware: Hardware;
  /** Version of the QEMU that runs. */
  readonly qemu: string;
  readonly hashes: SourceHashes;
  readonly disk: string;
}

/** What a snapshot of this machine, taken or woken now, depends on. */
export async function findFacts({ plan, hardware, qemu, hashes, disk }: FactSources): Promise<SnapshotFacts> {
  return {
    machineId: plan.machineId,
    qemu,
    hardware: hardwareHash(hardware),
    host: hostFacts(hardware.accelerator),
    ...hashes,
    plan: await hashPlan(plan),
    disk: await fileFacts(disk),
  };
}

/** What of a plan the machine found at its boot, and does not look at again. A newer agent or CLI wants a boot. */
export async function hashPlan({ role, diskMb, desktop, clis, agent }: MachinePlan): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await readFile(join(agent.directory, agent.entry)));
  const sorted = clis
    .toSorted((one, other) => (one.provider < other.provider ? -1 : 1))
    .map(({ provider, directory }) => [provider, directory]);
  hash.update(JSON.stringify([role, diskMb, desktop?.width, desktop?.height, sorted]));
  return hash.digest('hex').slice(0, 16);
}
