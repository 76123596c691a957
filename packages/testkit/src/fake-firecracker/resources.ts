import type { Json } from './api-schema.ts';

/** What a virtual machine consists of: what was put before its start, or came back with a snapshot. */
export interface Resources {
  readonly machineConfig: Json;
  readonly bootSource?: Json;
  readonly drives: ReadonlyMap<string, Json>;
  readonly interfaces: ReadonlyMap<string, Json>;
  readonly pmem: ReadonlyMap<string, Json>;
  readonly balloon?: Json;
  readonly vsock?: Json;
  readonly entropy?: Json;
  readonly serial?: Json;
  readonly mmdsConfig?: Json;
  readonly memoryHotplug?: Json;
  readonly cpuConfig?: Json;
}

export const noResources: Resources = {
  machineConfig: { vcpu_count: 1, mem_size_mib: 128, smt: false, track_dirty_pages: false, huge_pages: 'None' },
  drives: new Map(),
  interfaces: new Map(),
  pmem: new Map(),
};

/** The body of `GET /vm/config`, which is also what the fake keeps in a snapshot. */
export function exportResources(resources: Resources): Json {
  const { machineConfig, drives, interfaces, pmem, bootSource, balloon, vsock, entropy, serial } = resources;
  const { mmdsConfig, memoryHotplug, cpuConfig } = resources;
  return {
    'machine-config': machineConfig,
    drives: [...drives.values()],
    'network-interfaces': [...interfaces.values()],
    pmem: [...pmem.values()],
    ...(bootSource && { 'boot-source': bootSource }),
    ...(balloon && { balloon }),
    ...(vsock && { vsock }),
    ...(entropy && { entropy }),
    ...(serial && { serial }),
    ...(mmdsConfig && { 'mmds-config': mmdsConfig }),
    ...(memoryHotplug && { 'memory-hotplug': memoryHotplug }),
    ...(cpuConfig && { 'cpu-config': cpuConfig }),
  };
}

/** A body with some of its fields changed; a bucket inside a limiter replaces that bucket alone. */
export function mergeBody(current: Json, change: Json): Json {
  const merged: Record<string, unknown> = { ...current };
  for (const [name, value] of Object.entries(change)) {
    const before = merged[name];
    merged[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
