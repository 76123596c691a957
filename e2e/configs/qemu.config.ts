import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** The demo with every machine a virtual one. The images are in the data directory. */
export default defineConfig({
  ...demo,
  providers: ['@sallyport/provider-codex', '@sallyport/provider-claude'],
  // One machine at a time: two browsers on an emulated processor hold each other up.
  driver: { kind: 'qemu', templates: false },
  warmBrowserMachines: 0,
});
