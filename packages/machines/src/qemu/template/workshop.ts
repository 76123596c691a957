import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import type { Clock } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';

import { removeTree } from '../../host/remove-tree.ts';
import type { ImageStore } from '../../images/store.ts';
import { releaseUser } from '../../process/user-allotment.ts';
import { layDown } from '../lay-down.ts';
import type { QemuLayout } from '../layout.ts';
import { createQemuMachine } from '../machine.ts';
import { readQemuRecord } from '../machine-record.ts';
import type { QemuRecord } from '../machine-record.ts';
import type { QemuMachineParts } from '../parts.ts';
import { templateKey } from './facts.ts';
import type { TemplateFacts } from './facts.ts';
import { makeTemplate } from './make.ts';
import type { TemplateMachine } from './make.ts';
import type { Wanted } from './maker.ts';
import type { Shelf } from './shelf.ts';

/** Where templates are made, of machines that are in no list: nobody knows their names, and they are nobody's. */
export interface Workshop {
  readonly shelf: Shelf;
  /** Makes one and puts it on the shelf. Where that fails, nothing is left of it. */
  make(facts: TemplateFacts, wanted: Wanted, signal: AbortSignal): Promise<void>;
  /** The machine of the one that is being made. */
  making(): ReadonlySet<string>;
  /** Takes away what a server that died was making; returns what that was. */
  clear(): Promise<readonly string[]>;
  /** Takes away all that is on the shelf. */
  clearAll(): Promise<readonly string[]>;
}

export interface WorkshopOptions {
  readonly shelf: Shelf;
  /** Of all machines. */
  readonly directory: string;
  readonly images: ImageStore;
  readonly partsOf: (record: QemuRecord, layout: QemuLayout) => QemuMachineParts;
  readonly clock: Clock;
}

export function createWorkshop({ shelf, directory, images, partsOf, clock }: WorkshopOptions): Workshop {
  const making = new Set<string>();

  function take(record: QemuRecord, layout: QemuLayout): TemplateMachine {
    const { plan, uid } = record;
    const release = async (): Promise<void> => {
      making.delete(plan.machineId);
      if (uid !== undefined) await releaseUser(directory, uid, plan.machineId);
    };
    const parts = { ...partsOf(record, layout), inBackground: true };
    return { machine: createQemuMachine({ parts, record, onDestroyed: release }), release };
  }

  async function create(
    plan: MachinePlan,
    image: string,
    layout: QemuLayout,
    signal: AbortSignal,
  ): Promise<TemplateMachine> {
    making.add(plan.machineId);
    try {
      // Machine users can traverse it but not list it.
      await mkdir(dirname(layout.root), { recursive: true, mode: 0o711 });
      return take(await layDown({ plan, image, images, layout, directory, signal }), layout);
    } catch (error) {
      making.delete(plan.machineId);
      throw error;
    }
  }

  return {
    shelf,
    make: async (facts, { plan, image, certificateAuthority }, parent) => {
      const layout = shelf.unfinished(templateKey(facts));
      await makeTemplate({
        plan,
        certificateAuthority,
        layout,
        clock,
        signal: parent,
        create: (own, signal) => create(own, image, layout, signal),
      });
      await shelf.add(facts);
    },
    making: () => making,
    clear: async () => {
      const removed: string[] = [];
      for (const layout of await shelf.leftovers()) {
        const record = await readQemuRecord(layout.record);
        if (record && making.has(record.plan.machineId)) continue;
        if (record) await take(record, layout).machine.destroy();
        await removeTree(layout.root);
        removed.push(`half a template, ${basename(layout.root)}`);
      }
      return removed;
    },
    clearAll: async () => {
      const all = await shelf.list();
      for (const { key } of all) await shelf.remove(key);
      return all.map(({ key }) => `template ${key}`);
    },
  };
}
