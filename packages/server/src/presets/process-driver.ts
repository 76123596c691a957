import type { Clock } from '@sallyport/core';
import { createProcessDriver } from '@sallyport/machines';
import type { ProcessDriver } from '@sallyport/machines';

export interface StartProcessDriver {
  /** Claimed by this process. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Creates the process driver and ends the machines that a crashed process left running. */
export async function startProcessDriver({ dataDirectory, clock, log }: StartProcessDriver): Promise<ProcessDriver> {
  const driver = await createProcessDriver({ dataDirectory, clock });
  const reaped = await driver.reap();
  if (reaped.length > 0) log(`Ended ${reaped.length} machines that a former server left running.`);
  return driver;
}
