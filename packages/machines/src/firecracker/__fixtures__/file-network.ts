import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { MachineNetwork, NetworkAttachment } from '../../network/machine-network.ts';

/** A network whose places are files of a directory: what is left of one is there to be seen, and a killed server leaves it. */
export function createFileNetwork(directory: string): MachineNetwork {
  const namespace = join(directory, 'namespace');
  const file = (machineId: string): string => join(directory, `${machineId}.place`);

  async function listPlaces(): Promise<readonly string[]> {
    await mkdir(directory, { recursive: true });
    const names = (await readdir(directory)).filter((name) => name.endsWith('.place'));
    return names.map((name) => name.slice(0, -'.place'.length));
  }

  const detach = (machineId: string): Promise<void> => rm(file(machineId), { force: true });

  return {
    name: 'files',
    isolation: 'its network is made of files',
    attach: async (machineId, { signal }): Promise<NetworkAttachment> => {
      signal.throwIfAborted();
      await mkdir(directory, { recursive: true });
      await writeFile(namespace, '');
      const taken = (await listPlaces()).length;
      const number = Number(await readFile(file(machineId), 'utf8').catch(() => taken + 2));
      await writeFile(file(machineId), String(number));
      const byte = number.toString(16).padStart(2, '0');
      return {
        address: `192.168.100.${number}`,
        netmask: '255.255.255.0',
        gateway: '192.168.100.1',
        mac: `02:fc:c0:a8:64:${byte}`,
        egress: { host: '192.168.100.1', port: 3128 },
        tap: `fc-vm-${machineId.slice(2, 10)}`,
        namespace,
        netdev: '',
        needsSpawn: false,
        enter: [],
        connect: () => Promise.reject(new Error('machines of this network are reached by vsock')),
        detach: () => detach(machineId),
      };
    },
    detach,
    reconcile: async (machineIds) => {
      const gone = (await listPlaces()).filter((machineId) => !machineIds.has(machineId));
      await Promise.all(gone.map(detach));
      return gone.map((machineId) => `place of ${machineId}`);
    },
    doctor: async () => [],
    close: async () => {},
  };
}
