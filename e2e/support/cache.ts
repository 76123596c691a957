import { join, resolve } from 'node:path';

/**
 * What end-to-end tests keep between runs: large, and the same for every run, because each entry is named by a hash of
 * what it was made from. It lies outside `node_modules`, which `npm ci` empties.
 */
const cache = resolve(import.meta.dirname, '../../.sallyport/cache');

/** One directory for each CLI, as a server installs it. */
export const cliCache = join(cache, 'clis');

/** Golden images and kernels of virtual machines. */
export const imageCache = join(cache, 'images');

/** Programs of others that only tests run. */
export const toolCache = join(cache, 'tools');
