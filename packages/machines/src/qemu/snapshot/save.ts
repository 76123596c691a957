import type { RunningQemu } from '../start-machine.ts';
import type { QemuRecord } from '../machine-record.ts';
import type { QemuMachineParts } from '../parts.ts';
import { withGuestPort } from '../qemu-sockets.ts';
import { fileFacts } from '../../host/file-facts.ts';
import { saveState } from './migrate.ts';

export interface SaveOptions {
  readonly parts: QemuMachineParts;
  readonly running: RunningQemu;
  readonly record: Pick<QemuRecord, 'uid' | 'agentDrive'>;
  readonly signal: AbortSignal;
}

/** Keeps a running machine's memory. Afterwards it stands still; where this fails, it may stand or its agent may sleep. */
export async function saveSnapshot({ parts, running, record, signal }: SaveOptions): Promise<void> {
  const { sockets, snapshot, layout } = parts;
  const { monitor, facts, hardware } = running;
  await withGuestPort(sockets, signal, (port) => port.sleep({ signal }));
  // QEMU writes out what it holds of the disk as well.
  await monitor.execute('stop', {}, { signal });
  await using file = await snapshot.begin();
  const { memoryMb } = hardware;
  const state = await saveState(file, { qmp: monitor, run: layout.run, uid: record.uid, memoryMb, signal });
  signal.throwIfAborted();
  const { agentDrive = facts.agentDrive } = record;
  await snapshot.commit({ spec: 1, facts: { ...facts, agentDrive, disk: await fileFacts(layout.disk) }, state });
}
