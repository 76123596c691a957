import { SallyportError } from '@sallyport/core';
import { AGENT_PORT } from '@sallyport/core/driver';
import type { BootConfig, StartOptions } from '@sallyport/core/driver';

import { createAgentDrive } from '../../disk/agent-drive.ts';
import { findGuestClis } from '../../guest/guest-clis.ts';
import { guestBootConfig } from '../../guest/guest-boot.ts';
import { hashImage } from '../../images/hash.ts';
import { KERNEL_FILE, ROOT_FILE } from '../../images/image.ts';
import type { NetworkAttachment } from '../../network/machine-network.ts';
import { jail } from '../boot-sequence.ts';
import type { FirecrackerResources } from '../boot-sequence.ts';
import type { JailedFile } from '../jailer/populate.ts';
import { jailedPaths, openGenerations, snapshotPaths } from '../snapshot/generations.ts';
import type { Generations } from '../snapshot/generations.ts';
import type { ImageHashes } from '../snapshot/manifest.ts';
import type { FirecrackerHostParts, MachineFiles } from './layout.ts';
import type { FirecrackerRecord } from './record.ts';

/** All that a machine is to find in its jail and on its network, made and waiting for it. */
export interface Launch {
  readonly place: NetworkAttachment;
  readonly namespace: string;
  readonly boot: BootConfig;
  readonly generations: Generations;
  /** Where its memory can be saved later: begun now, because nobody puts anything into a jail that is in use. */
  readonly generation: number;
  readonly files: readonly JailedFile[];
  readonly resources: FirecrackerResources;
  readonly sources: ImageHashes;
  /** SHA-256 of the agent drive, if it was made for this boot. */
  readonly newAgentDrive?: string;
}

export interface LaunchRequest {
  readonly host: FirecrackerHostParts;
  readonly files: MachineFiles;
  readonly record: FirecrackerRecord;
  readonly options: StartOptions;
  /** The generation it is woken from; absent where it boots. */
  readonly from?: number;
}

export async function prepareLaunch(request: LaunchRequest, signal: AbortSignal): Promise<Launch> {
  const { host, files, record, options, from } = request;
  const { plan, uid } = record;
  host.reached('its place on the network');
  const place = await host.network.attach(plan.machineId, {
    egressSocket: options.egress.socketPath,
    owner: uid,
    signal,
  });
  const { tap, namespace } = place;
  if (tap === undefined || namespace === undefined) {
    throw new SallyportError(
      'CONFIG_INVALID',
      `Firecracker needs a TAP device; the network "${host.network.name}" has none.`,
      {
        hint: 'Give the driver the network that createBridgeNetwork makes.',
      },
    );
  }
  host.reached('its agent drive');
  const image = await host.images.open(record.image, { signal });
  // Debian's kernel is not an ELF file and needs an initrd: only ours boots here.
  const kernel = await host.images.open({ kind: 'kernel', variant: 'source' }, { signal });
  const clis = await findGuestClis(plan.clis, image);
  // Nothing has to come in by its network: the way to the agent is the vsock, inside the guest a loopback port.
  const boot = { ...guestBootConfig({ plan, options, place, clis: clis.inside }), listen: { port: AGENT_PORT } };
  const drive = { agent: plan.agent.directory, boot, clis: clis.onDrive, owner: uid, signal };
  // A machine that is woken has its drive mounted.
  const newAgentDrive = from === undefined ? await createAgentDrive(files.agentDrive, drive) : undefined;
  host.reached('the room for its memory');
  const generations = openGenerations(files.snapshots, { uid, gid: uid });
  await generations.prune(from);
  const generation = await generations.next();
  await generations.begin(generation);
  return {
    place,
    namespace,
    boot,
    generations,
    generation,
    sources: { kernel: hashImage(kernel), base: hashImage(image) },
    ...(newAgentDrive !== undefined && { newAgentDrive }),
    resources: { ...place, tap, limits: host.limits },
    files: [
      { from: `${kernel.directory}/${KERNEL_FILE}`, to: jail.kernel, own: false },
      { from: `${image.directory}/${ROOT_FILE}`, to: jail.base, own: false },
      { from: files.disk, to: jail.own, own: true },
      { from: files.agentDrive, to: jail.agent, own: true },
      ...snapshotFiles(files, generation, false),
      ...(from === undefined ? [] : snapshotFiles(files, from, true)),
    ],
  };
}

function snapshotFiles({ snapshots }: MachineFiles, generation: number, finished: boolean): readonly JailedFile[] {
  const [outside, inside] = [snapshotPaths(snapshots, generation, finished), jailedPaths(generation, finished)];
  return [
    { from: outside.state, to: inside.state, own: true },
    { from: outside.memory, to: inside.memory, own: true },
  ];
}
