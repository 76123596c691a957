import type { Answer } from './answer.ts';
import { fault, noContent, ok } from './answer.ts';
import api from './api.json' with { type: 'json' };
import type { FakeComputer } from './computer.ts';
import { configure } from './configure.ts';
import type { FakeHost } from './host.ts';
import { exportResources, mergeBody, noResources } from './resources.ts';
import type { Resources } from './resources.ts';
import type { ApiRequest } from './routes.ts';
import { beforeStart, afterStart, bootResources, outputs } from './phases.ts';
import { readSnapshot, writeSnapshot } from './snapshot-files.ts';

export type VmmPhase = 'Not started' | 'Running' | 'Paused';

/** What the process does besides answering. */
export interface VmmEffects {
  readonly host: FakeHost;
  /** The instance id. */
  readonly id: string;
  /** Makes the vsock's socket; an answer says why it cannot. */
  readonly listenVsock: (path: string) => Promise<string | undefined>;
  /** What its processors run. Absent: nothing. */
  readonly computer?: FakeComputer | undefined;
  /** Whether its state, once saved, has the time of day. */
  readonly clockRealtime: boolean;
  /** The guest saw the key combination. */
  readonly pressCtrlAltDel: () => void;
}

/** The virtual machine behind the API: what it has, and which requests are allowed now. */
export interface FakeVmm {
  readonly phase: VmmPhase;
  readonly resources: Resources;
  /** Version 1.16.1 and older: after a bare pause and resume nobody reaches the guest by vsock any more. */
  readonly vsockHangs: boolean;
  handle(request: ApiRequest): Promise<Answer>;
  log(line: string): void;
}

const MAX_METADATA_BYTES = 51_200;

export function createFakeVmm({
  host,
  id,
  listenVsock,
  computer,
  clockRealtime,
  pressCtrlAltDel,
}: VmmEffects): FakeVmm {
  let phase: VmmPhase = 'Not started';
  let resources = noResources;
  let touched = false;
  let vsockHangs = false;
  let metadata: unknown = null;
  let memory = '';
  let print: (text: string) => void = () => {};
  let writeLog: ((text: string) => void) | undefined;
  let hasMetrics = false;

  /** The answer does not wait for it: that processors run says nothing of what they do. */
  function run(from: { readonly memory?: string }): void {
    const drives = [...resources.drives.values()].map((drive) => host.locate(String(drive['path_on_host'])));
    computer?.run({ drives, print, ...from }).catch((error: unknown) => print(`${String(error)}\n`));
  }

  async function setUp(request: ApiRequest): Promise<Answer> {
    const next = configure(resources, request, host);
    if ('status' in next) {
      return next;
    }
    if (request.route === 'PUT /vsock') {
      const problem = await listenVsock(String(request.body['uds_path']));
      if (problem !== undefined) {
        return fault(`Vsock config error: Cannot create backend for vsock device: UnixBind(${problem})`);
      }
    }
    if (request.route === 'PUT /serial' && typeof request.body['serial_out_path'] === 'string') {
      print = host.openOutput(request.body['serial_out_path']);
    }
    resources = next;
    touched = true;
    return noContent;
  }

  async function load(request: ApiRequest): Promise<Answer> {
    if (touched) {
      return fault(
        'Load snapshot error: Loading a microVM snapshot not allowed after configuring boot-specific resources.',
      );
    }
    const found = readSnapshot(request.body, host);
    const problem =
      typeof found === 'string'
        ? found
        : found.resources.vsock && (await listenVsock(String(found.resources.vsock['uds_path'])));
    if (typeof found === 'string' || problem !== undefined) {
      // The process is of no use afterwards, and ends itself.
      return {
        ...fault(`Load snapshot error: Failed to restore from snapshot: ${problem}`),
        exitCode: 1,
      };
    }
    ({ resources, memory } = found);
    phase = 'Paused';
    if (request.body['resume_vm'] === true) {
      await switchPhase('Resumed');
    }
    return noContent;
  }

  function act(type: unknown): Answer {
    if (type === 'InstanceStart') {
      if (phase !== 'Not started') {
        return fault(afterStart);
      }
      if (!resources.bootSource) {
        return fault('Start microvm error: Cannot start microvm without kernel configuration.');
      }
      phase = 'Running';
      run({});
      return noContent;
    }
    if (phase === 'Not started') {
      return fault(beforeStart);
    }
    if (type === 'SendCtrlAltDel') {
      pressCtrlAltDel();
    }
    return noContent;
  }

  async function switchPhase(state: unknown): Promise<Answer> {
    if (state === 'Paused' && phase === 'Running') {
      phase = 'Paused';
      vsockHangs = true;
      memory = (await computer?.freeze()) ?? '';
    } else if (state === 'Resumed' && phase === 'Paused') {
      phase = 'Running';
      run({ memory });
    }
    return noContent;
  }

  function putOutput({ route, body }: ApiRequest): Answer {
    const path = body['log_path'] ?? body['metrics_path'];
    if (route === 'PUT /metrics' && hasMetrics) {
      return fault('Metrics error: Reinitialization of metrics not allowed.');
    }
    hasMetrics ||= route === 'PUT /metrics';
    if (typeof path === 'string') {
      const write = host.openOutput(path);
      writeLog = route === 'PUT /logger' ? write : writeLog;
    }
    return noContent;
  }

  function putMetadata({ route, body }: ApiRequest): Answer {
    const next = route === 'PATCH /mmds' && typeof metadata === 'object' ? { ...metadata, ...body } : body;
    if (JSON.stringify(next).length > MAX_METADATA_BYTES) {
      return { status: 413, body: { fault_message: 'The MMDS patch request does not fit.' } };
    }
    metadata = next;
    return noContent;
  }

  function patchDevice(kind: 'drives' | 'interfaces' | 'pmem', name: string, request: ApiRequest): Answer {
    const current = resources[kind].get(request.id);
    if (!current) {
      return fault(`${name} update error: Invalid device id: ${request.id}`);
    }
    resources = { ...resources, [kind]: new Map(resources[kind]).set(request.id, mergeBody(current, request.body)) };
    return noContent;
  }

  function read(route: string): Answer {
    const { balloon, machineConfig } = resources;
    switch (route) {
      case 'GET /':
        return ok({ id, state: phase, vmm_version: api.version, app_name: 'Firecracker' });
      case 'GET /version':
        return ok({ firecracker_version: api.version });
      case 'GET /machine-config':
        return ok(machineConfig);
      case 'GET /vm/config':
        return ok(exportResources(resources));
      case 'GET /mmds':
        return ok(typeof metadata === 'object' && metadata !== null ? { ...metadata } : {});
      case 'GET /balloon':
        return balloon ? ok(balloon) : fault('Balloon error: Device not found.');
      case 'GET /balloon/statistics': {
        const target = Number(balloon?.['amount_mib'] ?? 0);
        return Number(balloon?.['stats_polling_interval_s'] ?? 0) === 0
          ? fault('Balloon error: Statistics for the balloon device are not enabled')
          : ok({ target_mib: target, actual_mib: target, target_pages: target * 256, actual_pages: target * 256 });
      }
      default:
        return fault(`The fake has nothing to read behind ${route}.`);
    }
  }

  function change(request: ApiRequest): Answer | Promise<Answer> {
    switch (request.route) {
      case 'PATCH /vm':
        return switchPhase(request.body['state']);
      case 'PATCH /drives/{id}':
        return patchDevice('drives', 'Drive', request);
      case 'PATCH /network-interfaces/{id}':
        return patchDevice('interfaces', 'Network', request);
      case 'PATCH /pmem/{id}':
        return patchDevice('pmem', 'Pmem', request);
      case 'PUT /snapshot/create':
        if (phase !== 'Paused') {
          return fault(
            'Create snapshot error: Cannot save microVM state: Operation not allowed: save/restore unavailable while running',
          );
        }
        writeSnapshot({ resources, memory, clockRealtime }, request.body, host);
        return noContent;
      default:
        if (!resources.balloon) {
          return fault('Balloon error: Device not found.');
        }
        resources = { ...resources, balloon: mergeBody(resources.balloon, request.body) };
        return noContent;
    }
  }

  async function answer(request: ApiRequest): Promise<Answer> {
    const { route } = request;
    const started = phase !== 'Not started';
    if (route === 'PUT /actions') {
      return act(request.body['action_type']);
    }
    if (route === 'PUT /mmds' || route === 'PATCH /mmds') {
      return putMetadata(request);
    }
    if (bootResources.has(route) || outputs.has(route) || route === 'PUT /snapshot/load') {
      if (started) {
        return fault(/^PUT \/(drives|network-interfaces|pmem)/.test(route) ? 'PCI is not enabled.' : afterStart);
      }
      return outputs.has(route) ? putOutput(request) : route === 'PUT /snapshot/load' ? load(request) : setUp(request);
    }
    if (route.startsWith('DELETE')) {
      return fault(started ? 'PCI is not enabled.' : beforeStart);
    }
    if (route.startsWith('GET') && !/statistics|hinting|hotplug/.test(route)) {
      return read(route);
    }
    if (!started) {
      return fault(beforeStart);
    }
    return route.startsWith('GET') ? read(route) : change(request);
  }

  return {
    get phase() {
      return phase;
    },
    get resources() {
      return resources;
    },
    get vsockHangs() {
      return vsockHangs && phase === 'Running';
    },
    handle: async (request) => {
      const given = await answer(request);
      return request.deprecated ? { ...given, deprecated: true } : given;
    },
    log: (line) => writeLog?.(`${line}\n`),
  };
}
