export { createFolderDriver } from './driver.ts';
export type { FolderDriverOptions } from './driver.ts';
