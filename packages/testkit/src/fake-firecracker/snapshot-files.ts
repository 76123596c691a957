import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';

import { isJson } from './api-schema.ts';
import type { Json } from './api-schema.ts';
import type { FakeHost } from './host.ts';
import { exportResources, noResources } from './resources.ts';
import type { Resources } from './resources.ts';

/** The format both sides of a snapshot must share: that of Firecracker 1.16.1. */
const SNAPSHOT_VERSION = '10.0.0';

/** What a snapshot holds. */
export interface Saved {
  readonly resources: Resources;
  readonly memory: string;
  /** Whether KVM gave the time of day with the clock. */
  readonly clockRealtime: boolean;
}

/**
 * The memory file is as long as the memory, but what follows this is a hole, so that tests need no space. What the balloon
 * has is written as zeros at the end: the real one writes every page, and those of a balloon are empty.
 */
const MEMORY_TEXT = 'memory of the guest\n';

/** Writes both files, over whatever is there, as the real one does. */
export function writeSnapshot({ resources, memory, clockRealtime }: Saved, body: Json, host: FakeHost): void {
  const state = JSON.stringify({ version: SNAPSHOT_VERSION, clockRealtime, resources: exportResources(resources) });
  writeFileSync(host.locate(String(body['snapshot_path'])), `${checksum(state)}\n${state}`);
  const file = host.locate(String(body['mem_file_path']));
  writeFileSync(file, `${MEMORY_TEXT}${memory}`);
  const size = memoryBytes(resources);
  truncateSync(file, size);
  writeZeros(file, size - Number(resources.balloon?.['amount_mib'] ?? 0) * MIB, size);
}

const MIB = 1024 * 1024;

function writeZeros(file: string, from: number, to: number): void {
  const zeros = Buffer.alloc(MIB);
  const descriptor = openSync(file, 'r+');
  try {
    for (let at = from; at < to; at += MIB) writeSync(descriptor, zeros, 0, MIB, at);
  } finally {
    closeSync(descriptor);
  }
}

const memoryBytes = ({ machineConfig }: Resources): number => Number(machineConfig['mem_size_mib']) * MIB;

/** The text at the start of the memory, without what follows: that may be more than fits here. */
function readMemory(file: string): string {
  const chunks: Buffer[] = [];
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024);
      const length = readSync(descriptor, chunk);
      const end = chunk.indexOf(0);
      chunks.push(chunk.subarray(0, end === -1 ? length : end));
      if (end !== -1) return Buffer.concat(chunks).toString('utf8', MEMORY_TEXT.length);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** What is in a snapshot, or why it cannot be loaded. */
export function readSnapshot(body: Json, host: FakeHost): Saved | string {
  const backend = isJson(body['mem_backend']) ? body['mem_backend']['backend_path'] : body['mem_file_path'];
  try {
    const [sum, state = ''] = readFileSync(host.locate(String(body['snapshot_path'])), 'utf8').split('\n');
    if (sum !== checksum(state)) {
      return 'Failed to load snapshot state from file: CRC64 validation failed';
    }
    const parsed: unknown = JSON.parse(state);
    if (!isJson(parsed) || parsed['version'] !== SNAPSHOT_VERSION || !isJson(parsed['resources'])) {
      return 'Failed to load snapshot state from file: Snapshot file is of an unsupported version';
    }
    const resources = importResources(parsed['resources']);
    if (statSync(host.locate(String(backend))).size < memoryBytes(resources)) {
      return 'Failed to load guest memory: the memory file is too small';
    }
    const changed = override(resources, body, host);
    const clockRealtime = parsed['clockRealtime'] === true;
    if (body['clock_realtime'] === true && !clockRealtime) {
      return 'Failed to build microVM from snapshot: Failed to restore microVM state: clock_realtime requested but not present in the snapshot state';
    }
    const memory = readMemory(host.locate(String(backend)));
    return typeof changed === 'string' ? changed : { resources: changed, memory, clockRealtime };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Network devices and the vsock's path may differ from what they were. */
function override(resources: Resources, body: Json, host: FakeHost): Resources | string {
  const interfaces = new Map(resources.interfaces);
  for (const change of list(body['network_overrides'])) {
    const id = String(change['iface_id']);
    const network = interfaces.get(id);
    if (!network) {
      return `Unknown Network Device: ${id}`;
    }
    interfaces.set(id, { ...network, host_dev_name: change['host_dev_name'] });
  }
  const lost = [...interfaces.values()].find((network) => !host.hasTap(String(network['host_dev_name'])));
  if (lost) {
    return `Cannot open/create the tap device: ${String(lost['host_dev_name'])}`;
  }
  const vsock = isJson(body['vsock_override']) ? { ...resources.vsock, ...body['vsock_override'] } : resources.vsock;
  return { ...resources, interfaces, ...(vsock && { vsock }) };
}

/** The boot source is not in a snapshot, nor is anything that was given for output. */
function importResources(saved: Json): Resources {
  const optional = (name: string): Json | undefined => (isJson(saved[name]) ? saved[name] : undefined);
  const byId = (name: string, id: string): ReadonlyMap<string, Json> =>
    new Map(list(saved[name]).map((entry) => [String(entry[id]), entry]));
  const [balloon, vsock, entropy] = [optional('balloon'), optional('vsock'), optional('entropy')];
  const [mmdsConfig, memoryHotplug] = [optional('mmds-config'), optional('memory-hotplug')];
  return {
    machineConfig: optional('machine-config') ?? noResources.machineConfig,
    drives: byId('drives', 'drive_id'),
    interfaces: byId('network-interfaces', 'iface_id'),
    pmem: byId('pmem', 'id'),
    ...(balloon && { balloon }),
    ...(vsock && { vsock }),
    ...(entropy && { entropy }),
    ...(mmdsConfig && { mmdsConfig }),
    ...(memoryHotplug && { memoryHotplug }),
  };
}

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : []);

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex');
