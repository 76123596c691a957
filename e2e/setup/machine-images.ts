import { machineImages } from '../support/images.ts';

/** Builds the images that machines start from: once for all files, and not within the time of any test. */
export async function setup(): Promise<void> {
  const start = performance.now();
  await machineImages();
  console.log(`The images of machines took ${Math.round((performance.now() - start) / 1000)} s.`);
}
