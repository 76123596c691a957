import type { Answer } from './answer.ts';
import { fault } from './answer.ts';
import type { Json } from './api-schema.ts';
import type { FakeHost } from './host.ts';
import type { Resources } from './resources.ts';
import { mergeBody } from './resources.ts';
import type { ApiRequest } from './routes.ts';

/** The resources after a request that sets one up, or the answer that refuses it. */
export function configure(resources: Resources, request: ApiRequest, host: FakeHost): Resources | Answer {
  const { route, id, body } = request;
  switch (route) {
    case 'PUT /boot-source': {
      const problem = host.findFileProblem(text(body['kernel_image_path']));
      return problem === undefined
        ? { ...resources, bootSource: body }
        : fault(`Boot source error: The kernel file cannot be opened: ${problem}`);
    }
    case 'PUT /machine-config':
      return configureMachine(resources, { smt: false, track_dirty_pages: false, huge_pages: 'None', ...body });
    case 'PATCH /machine-config':
      return configureMachine(resources, mergeBody(resources.machineConfig, body));
    case 'PUT /drives/{id}':
      return configureDrive(resources, id, body, host);
    case 'PUT /network-interfaces/{id}':
      return configureInterface(resources, id, body, host);
    case 'PUT /pmem/{id}':
      return { ...resources, pmem: new Map(resources.pmem).set(id, body) };
    case 'PUT /balloon':
      return Number(body['amount_mib']) > Number(resources.machineConfig['mem_size_mib'])
        ? fault('Balloon config error: Amount of pages requested is too large.')
        : { ...resources, balloon: { stats_polling_interval_s: 0, ...body } };
    case 'PUT /mmds/config': {
      const names = Array.isArray(body['network_interfaces']) ? body['network_interfaces'] : [];
      return names.length > 0 && names.every((name) => resources.interfaces.has(String(name)))
        ? { ...resources, mmdsConfig: body }
        : fault(
            'The list of network interface IDs that allow MMDS requests is invalid: network interface IDs provided contains at least one ID that does not correspond to any existing network interface.',
          );
    }
    case 'PUT /vsock':
      return { ...resources, vsock: body };
    case 'PUT /entropy':
      return { ...resources, entropy: body };
    case 'PUT /serial':
      return { ...resources, serial: body };
    case 'PUT /cpu-config':
      return { ...resources, cpuConfig: body };
    case 'PUT /hotplug/memory':
      return { ...resources, memoryHotplug: body };
    default:
      return fault(`The fake has no resource behind ${route}.`);
  }
}

function configureMachine(resources: Resources, machineConfig: Json): Resources | Answer {
  const [vcpus, memory] = [Number(machineConfig['vcpu_count']), Number(machineConfig['mem_size_mib'])];
  if (vcpus < 1 || vcpus > 32 || (machineConfig['smt'] === true && vcpus !== 1 && vcpus % 2 === 1)) {
    return fault(
      'Machine config error: The vCPU number is invalid! The number of vCPUs must be greater than 0, less than 32 and must be 1 or an even number if SMT is enabled.',
    );
  }
  if (memory === 0 || (machineConfig['huge_pages'] === '2M' && memory % 2 === 1)) {
    return fault(
      'Machine config error: The memory size (MiB) is either 0, or not a multiple of the configured page size.',
    );
  }
  if (Number(resources.balloon?.['amount_mib'] ?? 0) > memory) {
    return fault('Machine config error: The memory size (MiB) is smaller than the target size of the balloon device.');
  }
  return { ...resources, machineConfig };
}

function configureDrive(resources: Resources, id: string, body: Json, host: FakeHost): Resources | Answer {
  const others = [...resources.drives.values()].filter((drive) => drive['drive_id'] !== id);
  if (body['is_root_device'] === true && others.some((drive) => drive['is_root_device'] === true)) {
    return fault('Drive config error: A root block device already exists!');
  }
  if (!('socket' in body) && !('path_on_host' in body && 'is_read_only' in body)) {
    return fault('Drive config error: Unable to create the virtio block device: InvalidBlockConfig');
  }
  const problem = host.findFileProblem(text(body['path_on_host']));
  if (problem !== undefined && !('socket' in body)) {
    return fault(`Drive config error: Unable to create the virtio block device: Virtio backend error: ${problem}`);
  }
  return { ...resources, drives: new Map(resources.drives).set(id, body) };
}

function configureInterface(resources: Resources, id: string, body: Json, host: FakeHost): Resources | Answer {
  const mac = body['guest_mac'];
  if (mac !== undefined && !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text(mac))) {
    return fault(
      `An error occurred when deserializing the json body of a request: invalid value: string "${text(mac)}", expected a MAC address.`,
    );
  }
  const others = [...resources.interfaces.values()].filter((network) => network['iface_id'] !== id);
  if (mac !== undefined && others.some((network) => network['guest_mac'] === mac)) {
    return fault(`Network config error: The MAC address is already in use: ${text(mac)}`);
  }
  const tap = text(body['host_dev_name']);
  if (Buffer.byteLength(tap) > 15 || !host.hasTap(tap) || others.some((other) => other['host_dev_name'] === tap)) {
    return fault(`Network config error: Cannot open/create the tap device: ${tap}`);
  }
  return { ...resources, interfaces: new Map(resources.interfaces).set(id, body) };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
