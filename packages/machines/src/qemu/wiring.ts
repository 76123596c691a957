import type { AttachOptions, MachineNetwork, NetworkAttachment } from '../network/machine-network.ts';

/** Which machines have a place on the network now, so that what belongs to none can be told apart. */
export interface Wiring {
  attach(machineId: string, options: AttachOptions): Promise<NetworkAttachment>;
  /** Takes a machine's place away, also one that another server gave. */
  detach(machineId: string, place: NetworkAttachment | undefined): Promise<void>;
  /** A machine of an earlier server runs on in its place. */
  keep(machineId: string): void;
  /** Takes away what belongs to no machine; returns what that was. */
  reconcile(): Promise<readonly string[]>;
}

export function createWiring(network: MachineNetwork): Wiring {
  const wired = new Set<string>();
  return {
    attach: async (machineId, options) => {
      wired.add(machineId);
      try {
        return await network.attach(machineId, options);
      } catch (error) {
        wired.delete(machineId);
        throw error;
      }
    },
    detach: async (machineId, place) => {
      wired.delete(machineId);
      await (place ? place.detach() : network.reconcile(new Set(wired)));
    },
    keep: (machineId) => void wired.add(machineId),
    reconcile: () => network.reconcile(new Set(wired)),
  };
}
