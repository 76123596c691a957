import { createProcessDriver } from '@sallyport/machines';
import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** The demo with machines that are plain processes, as on a host without bubblewrap: they share its ports. */
export default defineConfig({
  ...demo,
  driver: ({ dataDirectory, clock }) => createProcessDriver({ dataDirectory, clock, isolation: 'none' }),
});
