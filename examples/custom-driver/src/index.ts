export { createDirectoryDriver } from './driver.ts';
export type { DirectoryDriverOptions } from './driver.ts';
