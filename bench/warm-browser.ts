import { createBrowserMachines, templateMade } from '../e2e/support/browser-machines.ts';
import type { BrowserMachines } from '../e2e/support/browser-machines.ts';
import { alternate } from './bench.ts';
import type { Bench } from './bench.ts';

const LIMIT = 0.16;

/**
 * A browser machine in QEMU asked for → its browser's page painted: one that goes on from a template, against one that
 * boots. Needs root and the images, which are built when they are not there.
 */
export const warmBrowser: Bench = {
  name: 'warm-browser',
  isLong: true,
  run: async (_world, count, leftovers) => {
    // Each has a separate network.
    const warm = await createBrowserMachines();
    leftovers.defer(() => warm.close());
    const cold = await createBrowserMachines();
    leftovers.defer(() => cold.close());
    const [going, booting] = [await warm.open(), await cold.open({ templates: false })];
    const first = await warm.start(going);
    await first.machine.destroy();
    await templateMade(warm);
    const measured = await alternate(count, {
      ours: () => untilPainted(warm, going),
      bare: () => untilPainted(cold, booting),
    });
    if (warm.log.length > 0) throw new Error(warm.log.join(' '));
    const title = 'browser machine asked for → page painted';
    const samples = measured.map(({ ours, bare }) => ours / bare);
    return [{ title, kind: 'ratio', unit: 'ms', samples, pairs: measured, limit: LIMIT }];
  },
};

async function untilPainted(
  machines: BrowserMachines,
  driver: Awaited<ReturnType<BrowserMachines['open']>>,
): Promise<number> {
  const started = await machines.start(driver);
  try {
    return (await machines.show(started)).pageMs;
  } finally {
    await started.machine.destroy();
  }
}
