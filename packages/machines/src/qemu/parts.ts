import type { Clock } from '@sallyport/core';

import type { ImageStore } from '../images/store.ts';
import type { Acceleration } from './hardware.ts';
import type { QemuLayout } from './layout.ts';
import type { QemuSockets } from './qemu-sockets.ts';
import type { SnapshotDirectory } from './snapshot/snapshot-directory.ts';
import type { Templates } from './template/templates.ts';
import type { Wiring } from './wiring.ts';

/** A machine's components besides its record, and what it shares with the driver's other machines. */
export interface QemuMachineParts {
  /** QEMU's program. */
  readonly program: string;
  readonly layout: QemuLayout;
  readonly sockets: QemuSockets;
  readonly snapshot: SnapshotDirectory;
  readonly wiring: Wiring;
  readonly images: ImageStore;
  /** What runs its processors. */
  readonly acceleration: () => Promise<Acceleration>;
  readonly clock: Clock;
  /** Where the first start of a machine finds one that is up already. Absent: each start boots. */
  readonly templates?: Templates;
  /** Nobody waits for this machine. */
  readonly inBackground?: boolean;
}
