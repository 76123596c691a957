import { machineImages } from './images.ts';

/** `node --conditions=@sallyport/source e2e/support/run-machine-images.ts`: builds what the runs with virtual machines need, ahead of them. */
await machineImages();
