import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Clock, SallyportOptions } from '@sallyport/core';
import type { MachineDriver } from '@sallyport/core/driver';
import type { Egress } from '@sallyport/core/egress';
import { createDirectEgress } from '@sallyport/machines';

import { openDataDirectory } from '../data-directory/data-directory.ts';
import { openEmbeddedStore } from '../stores/embedded-store.ts';
import { openHostParts } from './host-parts.ts';
import { openKeptState } from './kept-state.ts';
import { createMemoryState } from './memory-state.ts';
import { startProcessDriver } from './process-driver.ts';

export interface HostPresetOptions {
  /**
   * Keeps logins, machines, CLIs and master keys, with an embedded PostgreSQL. One process at a time can use it.
   * Default: none, so everything is in memory and in a temporary directory, and {@link HostPreset.close} removes it.
   */
  readonly dataDirectory?: string;
  /** Default: the process driver, for development. The preset does not close another driver. */
  readonly driver?: MachineDriver;
  /** Default: straight from this host. The preset does not close another egress. */
  readonly egress?: Egress;
  readonly clock?: Clock;
  /** Called with a sentence for the operator: the isolation of machines, installations, a new master key. Default: nowhere. */
  readonly log?: (message: string) => void;
}

/** All that `createSallyport` needs of a host. */
export interface HostPreset {
  /** Add `providers`, and replace what you have your own of: `createSallyport({ ...host.options, providers })`. */
  readonly options: Omit<SallyportOptions, 'providers'>;
  /** Closes the store and releases the directory. Close the application first. */
  close(): Promise<void>;
}

/**
 * Opens what an application needs to run machines on this host, without an HTTP server: driver, agent, CLI installer,
 * egress, store and key ring. Throws `CONFIG_DATA_DIR_BUSY` while another process uses the data directory, and
 * `CONFIG_INVALID` or `CONFIG_HOST_UNSUITABLE` if this host or the directory is unsuitable.
 */
export async function openHostPreset(options: HostPresetOptions = {}): Promise<HostPreset> {
  const { clock = systemClock, log = () => undefined } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const data = await openDataDirectory(options.dataDirectory ?? (await makeTemporary(undo)));
    undo.push(() => data.release());
    const context = { dataDirectory: data.path, clock, log };
    const parts = await openHostParts(context);
    const state = options.dataDirectory === undefined ? createMemoryState(clock) : await openState(context, undo);
    const driver = options.driver ?? (await startProcessDriver(context));
    log(driver.features.isolation);
    if (options.dataDirectory === undefined && !options.driver) undo.push(() => destroyAll(driver));
    const egress = options.egress ?? createDirectEgress({ directory: join(data.path, 'egress'), clock });
    if (!options.egress) undo.push(async () => egress.close?.());
    return { options: { ...parts, ...state, driver, egress, clock }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Undo = (() => Promise<unknown>)[];

async function makeTemporary(undo: Undo): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function openState(
  context: Parameters<typeof openEmbeddedStore>[0],
  undo: Undo,
): Promise<Pick<SallyportOptions, 'store'> & Awaited<ReturnType<typeof openKeptState>>['options']> {
  const store = await openEmbeddedStore(context);
  undo.push(() => store.close());
  const { dataDirectory, clock, log } = context;
  const onKeyProblem = (error: unknown): void => log(`A master key cannot be used: ${String(error)}`);
  const kept = await openKeptState({ dataDirectory, store, clock, onKeyProblem });
  if (kept.notice !== undefined) log(kept.notice);
  return { store, ...kept.options };
}

/** What was in the store is about to go, so nobody could start these again. */
async function destroyAll(driver: MachineDriver): Promise<void> {
  for (const ref of await driver.list()) await (await driver.adopt(ref))?.destroy();
}
