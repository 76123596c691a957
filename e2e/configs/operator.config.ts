import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

/** A deployment on QEMU that keeps a machine ready for the next login, as `scripts/smoke.sh` wants it. */
export default defineConfig({
  ...demo,
  providers: ['@sallyport/provider-claude'],
  // It would be made while the next machine boots, on the same two processors.
  driver: { kind: 'qemu', templates: false },
  warmBrowserMachines: 1,
});
