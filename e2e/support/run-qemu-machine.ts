/**
 * A server that makes one machine in QEMU, and kills itself with SIGKILL at a step of that.
 *
 *     node run-qemu-machine.ts <directory> <step>
 */
import { watch } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { Secret, systemClock } from '@sallyport/core';
import { createBridgeNetwork, createDirectEgress, createQemuDriver } from '@sallyport/machines';
import type { MachineNetwork } from '@sallyport/machines';

import { imageStore } from './images.ts';
import { killedMachine } from './kill-steps.ts';
import type { KillStep } from './kill-steps.ts';

const [folder = '', step = ''] = process.argv.slice(2);
const dataDirectory = join(folder, 'data');
const root = join(dataDirectory, 'qemu', killedMachine);
const signal = AbortSignal.timeout(600_000);

const egress = createDirectEgress({ directory: join(folder, 'egress'), clock: systemClock });
const route = await egress.reserve?.(killedMachine, { signal });
if (!route) throw new Error('The direct egress can be reserved.');
const network = createBridgeNetwork({ dataDirectory, clock: systemClock });
const watched: MachineNetwork = {
  ...network,
  attach: async (machineId, options) => {
    const place = await network.attach(machineId, options);
    reach('place');
    const connect: typeof place.connect = (port, how) => {
      reach('ready');
      return place.connect(port, how);
    };
    return { ...place, connect };
  },
};
const driver = await createQemuDriver({ dataDirectory, clock: systemClock, network: watched, images: imageStore });
const machine = await driver.create(
  {
    machineId: killedMachine,
    userId: 'somebody',
    role: 'cli',
    memoryMb: 384,
    vcpus: 1,
    diskMb: 256,
    labels: {},
    agent: agentBundle(),
    clis: [],
  },
  { signal },
);
reach('disk');
let runs = false;
watch(root, (_kind, name) => {
  if (name === 'run') {
    runs = true;
    reach('process');
  }
  if (name === 'snapshot') {
    reach('state');
    watch(join(root, 'snapshot'), (_event, inner) => {
      if (inner === 'manifest.json') reach('manifest');
    });
  }
});
// No directory tells of it in time: the note is in its place a moment later.
const { rename } = files;
files.rename = async (from, to) => {
  if (runs && String(to) === join(root, 'machine.json')) reach('unrecorded');
  return rename(from, to);
};
syncBuiltinESMExports();
const token = new Secret('token-of-a-server-that-dies-0123456789-0123456789');
await machine.start({ epoch: 1, token, egress: route, signal });
await machine.hibernate?.({ signal });

function reach(reached: KillStep): void {
  if (reached === step) process.kill(process.pid, 'SIGKILL');
}
