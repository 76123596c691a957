import type { BootConfig, StartOptions } from '@sallyport/core/driver';

import { createAgentDrive } from '../disk/agent-drive.ts';
import { digestFile } from '../host/hashing/digest-file.ts';
import { hashImage } from '../images/hash.ts';
import { guestBootConfig } from '../guest/guest-boot.ts';
import { waitForAgent } from '../guest/wait-for-agent.ts';
import type { NetworkAttachment } from '../network/machine-network.ts';
import { launchQemu } from './boot.ts';
import type { Hardware } from './hardware.ts';
import { findIngredients } from './ingredients.ts';
import type { QemuRecord } from './machine-record.ts';
import type { QemuMachineParts } from './parts.ts';
import { failedIn } from './phases.ts';
import type { Phase } from './phases.ts';
import type { QemuProcess } from './qemu-process.ts';
import { openMonitor } from './qemu-sockets.ts';
import type { QmpClient } from './qmp.ts';
import { whileItRuns } from './while-it-runs.ts';
import type { SnapshotFacts } from './snapshot/manifest.ts';
import { findFacts } from './snapshot/facts.ts';
import type { SourceHashes } from './snapshot/facts.ts';
import { resumeMachine } from './snapshot/resume.ts';
import type { TakenSnapshot } from './snapshot/snapshot-directory.ts';

/** A machine as it runs. */
export interface RunningQemu {
  readonly process: QemuProcess;
  readonly place: NetworkAttachment;
  readonly hardware: Hardware;
  readonly monitor: QmpClient;
  readonly facts: SnapshotFacts;
}

export interface StartRequest {
  readonly parts: QemuMachineParts;
  /** With the plan of this start. */
  readonly record: QemuRecord;
  readonly options: StartOptions;
  /** The snapshot to go on from; absent: it boots. */
  readonly taken?: TakenSnapshot | undefined;
  readonly signal: AbortSignal;
  /**
   * Called as soon as there is a process: from then on its end gives its place back. `agentDrive` is the SHA-256 of the
   * drive that it has.
   */
  onProcess(process: QemuProcess, place: NetworkAttachment, agentDrive: string): Promise<void>;
}

/** Boots or wakes a machine, until its agent answers. What has been made when that fails ends with the process. */
export async function startMachine(request: StartRequest): Promise<RunningQemu> {
  const { machineId } = request.record.plan;
  let phase: Phase = 'create';
  let console = (): string => '';
  try {
    const made = await makeProcess(request);
    console = () => made.process.console();
    phase = request.taken ? 'wake' : 'boot';
    return await whileItRuns(made.process, request.signal, async (alive) => {
      const running = await talkTo(request, made, alive);
      phase = 'ready';
      const { token } = request.options;
      await waitForAgent({ ...running, token, clock: request.parts.clock, signal: alive });
      return running;
    });
  } catch (error) {
    request.signal.throwIfAborted();
    throw failedIn(phase, machineId, console(), error);
  }
}

interface Made {
  readonly process: QemuProcess;
  readonly place: NetworkAttachment;
  readonly hardware: Hardware;
  readonly boot: BootConfig;
  readonly hashes: SourceHashes;
}

async function makeProcess(request: StartRequest): Promise<Made> {
  const { parts, record, options, taken, signal } = request;
  const { plan, uid } = record;
  const owner = uid === undefined ? {} : { owner: uid };
  signal.throwIfAborted();
  const { kernel, image, hardware, clis } = await findIngredients(parts, record, signal);
  const { socketPath } = options.egress;
  const place = await parts.wiring.attach(plan.machineId, { egressSocket: socketPath, ...owner, signal });
  try {
    const boot = guestBootConfig({ plan, options, place, clis: clis.inside });
    // One that wakes has its drive mounted already, with the token of then.
    const drive = { agent: plan.agent.directory, boot, clis: clis.onDrive, ...owner, signal };
    const { agentDrive: path } = parts.layout;
    const agentDrive = taken ? (await digestFile(path, signal)).sha256 : await createAgentDrive(path, drive);
    const hashes = { kernel: hashImage(kernel), image: hashImage(image), agentDrive };
    signal.throwIfAborted();
    const process = await launchQemu({
      ...parts,
      plan,
      uid,
      hardware,
      kernel,
      image,
      place,
      token: options.token,
      incoming: taken !== undefined,
      inBackground: parts.inBackground ?? false,
    });
    await request.onProcess(process, place, agentDrive);
    return { process, place, hardware, boot, hashes };
  } catch (error) {
    await parts.wiring.detach(plan.machineId, place).catch(() => {});
    throw error;
  }
}

async function talkTo(
  { parts, record, taken }: StartRequest,
  { process, place, hardware, boot, hashes }: Made,
  alive: AbortSignal,
): Promise<RunningQemu> {
  const monitor = await openMonitor(parts.sockets, alive);
  const { plan, uid } = record;
  const facts = await findFacts({ plan, hardware, qemu: monitor.version, hashes, disk: parts.layout.disk });
  if (taken) {
    const { sockets } = parts;
    const wake = { machineId: plan.machineId, place, boot };
    await resumeMachine({ taken, facts, monitor, sockets, uid, memoryMb: hardware.memoryMb, wake, signal: alive });
  }
  return { process, place, hardware, monitor, facts };
}
