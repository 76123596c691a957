/** How much of a file system is free, in bytes. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Tells how much is free where machines keep their disks and snapshots. */
export type ReadDiskSpace = () => Promise<DiskSpace>;
