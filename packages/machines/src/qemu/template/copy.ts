import { chmod, chown, open, rename, rm, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';

import { copySparse } from '../../disk/copy-sparse.ts';
import { hasCode } from '../../host/safe-directory.ts';
import type { QemuLayout } from '../layout.ts';
import { hashPlan } from '../snapshot/facts.ts';
import { fileFacts } from '../../host/file-facts.ts';
import { openSnapshotDirectory } from '../snapshot/snapshot-directory.ts';
import type { TakenSnapshot } from '../snapshot/snapshot-directory.ts';

export interface NewMachine {
  readonly plan: MachinePlan;
  readonly layout: QemuLayout;
  /** The user it runs as; absent: the server's own. */
  readonly uid: number | undefined;
  readonly snapshotKey: () => Promise<Secret>;
}

/**
 * Lays the disk and the agent drive of a template where a new machine has its own, and opens the memory that goes with
 * them. From then on it is that machine's snapshot. The caller closes the file.
 */
export async function copyTemplate(template: QemuLayout, machine: NewMachine): Promise<TakenSnapshot> {
  const { plan, layout, uid } = machine;
  const { machineId } = plan;
  const borrowed = await openSnapshotDirectory(template.snapshot, machineId, machine.snapshotKey).borrow();
  if (!borrowed) throw damaged('has no memory');
  const { manifest, state } = borrowed;
  try {
    if ((await state.stat()).size !== manifest.state.bytes) throw damaged('has another memory than was saved');
    if ((await fileFacts(template.disk)) !== manifest.facts.disk) throw damaged('has another disk than was saved');
    await copyTo(layout.disk, template.disk, uid);
    await copyTo(layout.agentDrive, template.agentDrive, uid);
    const own = { machineId, plan: await hashPlan(plan), disk: await fileFacts(layout.disk) };
    return { manifest: { ...manifest, facts: { ...manifest.facts, ...own } }, state };
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function copyTo(target: string, source: string, uid: number | undefined): Promise<void> {
  const unfinished = `${target}.new`;
  await rm(unfinished, { force: true });
  try {
    await using file = await openSource(source);
    await copySparse(file.fd, unfinished);
    await chmod(unfinished, 0o600);
    if (uid !== undefined) await chown(unfinished, uid, uid);
    if ((await stat(unfinished)).size !== (await file.stat()).size) throw damaged('changed while it was copied');
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function openSource(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    throw hasCode(error, 'ENOENT') ? damaged(`has no ${basename(path)}`) : error;
  });
}

function damaged(how: string): SallyportError {
  return new SallyportError('MACHINE_FAILED', `The template of browser machines ${how}.`, {
    hint: 'Nothing has to be done: it is removed, and made again.',
    details: { phase: 'copy' },
  });
}
