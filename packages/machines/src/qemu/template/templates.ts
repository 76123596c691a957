import { rm } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';
import type { StartOptions } from '@sallyport/core/driver';

import { createDisk } from '../../disk/create-disk.ts';
import type { Ingredients } from '../ingredients.ts';
import type { QemuLayout } from '../layout.ts';
import type { QemuRecord } from '../machine-record.ts';
import type { TakenSnapshot } from '../snapshot/snapshot-directory.ts';
import { copyTemplate } from './copy.ts';
import { findTemplateFacts, identifyFile, templateKey } from './facts.ts';
import type { TemplateFacts } from './facts.ts';
import { createMaker } from './maker.ts';
import type { Maker, MakerOptions } from './maker.ts';
import type { Template } from './shelf.ts';
import { condemnsTemplate } from './verdict.ts';

/** Machines with a desktop that are up already, asleep, and nobody's: each start goes on from a copy of one. */
export interface Templates {
  /** Starts a machine that has never run and whose disk is as it was made. */
  start(first: FirstStart): Promise<void>;
  /** Removes those of another QEMU, kernel or image; returns what that was. */
  drain(current: Pick<TemplateFacts, 'kernel' | 'image'>): Promise<readonly string[]>;
  readonly lendSpareRoom: Maker['lendSpareRoom'];
  readonly close: Maker['close'];
}

export interface FirstStart {
  /** With the plan of this start. */
  readonly record: QemuRecord;
  readonly layout: QemuLayout;
  readonly options: StartOptions;
  readonly signal: AbortSignal;
  boot(signal: AbortSignal): Promise<void>;
  /** Where this fails, the machine has ended. */
  wake(taken: TakenSnapshot, signal: AbortSignal): Promise<void>;
}

export interface TemplatesOptions extends Omit<MakerOptions, 'starts'> {
  /** QEMU's. */
  readonly program: string;
  /** Seals snapshots, those of templates too. */
  readonly snapshotKey: () => Promise<Secret>;
  readonly findIngredients: (record: QemuRecord, signal: AbortSignal) => Promise<Ingredients>;
}

/** Much more than a wake takes on a busy host, and leaves a cold boot the time it needs. */
const WAKE_MS = 60_000;
/** A template from which none wakes any more cannot be told from a host that is busy; this often in a row it is the template. */
const MOST_DOUBTS = 3;

export function createTemplates(shared: TemplatesOptions): Templates {
  const { workshop, program, snapshotKey, clock, findIngredients, log } = shared;
  const { shelf } = workshop;
  const starts = new Set<Promise<void>>();
  const maker = createMaker({ workshop, clock, starts, log });
  /** Key → wakes that failed in a row, for reasons that may not be the template's. */
  const doubts = new Map<string, number>();

  async function start(first: FirstStart): Promise<void> {
    const attempt = startNow(first);
    starts.add(attempt);
    try {
      await attempt;
    } finally {
      starts.delete(attempt);
    }
  }

  async function startNow(first: FirstStart): Promise<void> {
    const { record, options, signal } = first;
    const { plan, image } = record;
    if (plan.role !== 'browser' || !plan.desktop) return first.boot(signal);
    const { certificateAuthority } = options.egress;
    const ingredients = await findIngredients(record, signal);
    const facts = await findTemplateFacts({ program, plan, certificateAuthority, ingredients, signal });
    const template = await shelf.find(templateKey(facts));
    if (template && (await goesOnFrom(template, first))) return;
    await first.boot(signal);
    maker.begin(facts, { plan, image, certificateAuthority });
  }

  async function goesOnFrom({ key, layout: from }: Template, first: FirstStart): Promise<boolean> {
    const { record, layout, signal } = first;
    const { plan, uid } = record;
    try {
      using deadline = clock.deadline(WAKE_MS, tooSlow, signal);
      const taken = await copyTemplate(from, { plan, layout, uid, snapshotKey });
      await using state = taken.state;
      await first.wake({ ...taken, state }, deadline.signal);
      await shelf.touch(key, clock.now());
      doubts.delete(key);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      await judge(key, error);
      await rm(layout.disk, { force: true });
      await createDisk(layout.disk, { sizeMb: plan.diskMb, ...(uid !== undefined && { owner: uid }), signal });
      return false;
    }
  }

  /** Removes a template that is of no use. One from which a machine woke too late is kept for those that do not. */
  async function judge(key: string, error: unknown): Promise<void> {
    const doubted = (doubts.get(key) ?? 0) + 1;
    const isUseless = condemnsTemplate(error) || doubted >= MOST_DOUBTS;
    const verdict = isUseless
      ? 'the template it should have gone on from is removed'
      : 'it did not go on from its template';
    log(`A browser machine boots, for ${verdict}: ${error instanceof Error ? error.message : String(error)}`);
    if (!isUseless) return void doubts.set(key, doubted);
    doubts.delete(key);
    await shelf.remove(key);
  }

  return {
    start,
    drain: async ({ kernel, image }) => {
      const own = await identifyFile(program);
      const outdated = (await shelf.list()).filter(
        ({ facts }) => facts.program !== own || facts.kernel !== kernel || facts.image !== image,
      );
      for (const { key } of outdated) await shelf.remove(key);
      return outdated.map(({ key }) => `template ${key}`);
    },
    lendSpareRoom: maker.lendSpareRoom,
    close: maker.close,
  };
}

function tooSlow(): SallyportError {
  return new SallyportError('MACHINE_TIMED_OUT', `It did not wake in ${WAKE_MS / 1000} s.`);
}
