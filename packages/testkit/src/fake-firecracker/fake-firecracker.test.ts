import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FakeComputer } from './computer.ts';
import { startFakeFirecracker } from './fake-firecracker.ts';
import type { FakeFirecracker, FakeFirecrackerOptions } from './fake-firecracker.ts';

let root: string;
let fake: FakeFirecracker;
let sockets: Socket[];

const start = async (options: Partial<FakeFirecrackerOptions> = {}): Promise<FakeFirecracker> => {
  await fake?.close();
  fake = await startFakeFirecracker({ socketPath: join(root, 'api'), root, ...options });
  return fake;
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  sockets = [];
  await mkdir(join(root, 'snap'));
  for (const name of ['vmlinux', 'base', 'own']) {
    await writeFile(join(root, name), '');
  }
  await start();
});

afterEach(async () => {
  for (const socket of sockets) {
    socket.destroy();
  }
  await fake.close();
  await rm(root, { recursive: true });
});

async function dial(path = join(root, 'api')): Promise<Socket> {
  const socket = connect(path);
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function receive(socket: Socket): Promise<string> {
  const [chunk]: unknown[] = await once(socket, 'data');
  return String(chunk);
}

async function exchange(bytes: string): Promise<string> {
  const socket = await dial();
  socket.write(bytes);
  const answer = await receive(socket);
  socket.destroy();
  return answer;
}

function bytesOf(method: string, path: string, body?: unknown, headers = ''): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const length = text === '' ? '' : `Content-Length: ${Buffer.byteLength(text)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${length}${headers}\r\n${text}`;
}

/** Status and message, or the whole body of a 200. */
async function call(method: string, path: string, body?: unknown): Promise<string> {
  const answer = await exchange(bytesOf(method, path, body));
  const [head = '', text = ''] = answer.split('\r\n\r\n');
  const fault = /"fault_message":"(.*)"/.exec(text)?.[1];
  return `${head.slice(9, 12)} ${fault ?? text}`.trim();
}

const drive = { drive_id: 'base', path_on_host: '/base', is_root_device: true, is_read_only: true };
const network = { iface_id: 'eth0', host_dev_name: 'tap0', guest_mac: '06:00:C0:A8:64:11' };

async function boot(balloon?: object): Promise<void> {
  if (balloon) expect(await call('PUT', '/balloon', balloon)).toBe('204');
  expect(await call('PUT', '/boot-source', { kernel_image_path: '/vmlinux' })).toBe('204');
  expect(await call('PUT', '/drives/base', drive)).toBe('204');
  expect(await call('PUT', '/network-interfaces/eth0', network)).toBe('204');
  expect(await call('PUT', '/vsock', { guest_cid: 3, uds_path: '/v.sock' })).toBe('204');
  expect(await call('PUT', '/actions', { action_type: 'InstanceStart' })).toBe('204');
}

describe('the wire of the fake Firecracker', () => {
  it('takes a chunked body for none, and its chunks for the next request', async () => {
    const socket = await dial();
    const received: string[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk.toString()));
    socket.write(
      'PUT /vsock HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    );
    await expect.poll(() => received.join('')).toContain('Empty PUT request.');
    await expect.poll(() => received.join('')).toContain('Invalid HTTP Method, URI or version.');
  });

  it.each([
    ['a media type with parameters', bytesOf('PUT', '/vsock', {}, 'Content-Type: application/json; charset=utf-8\r\n')],
    ['a head of more than 1,024 bytes', bytesOf('GET', '/', undefined, `X: ${'x'.repeat(1024)}\r\n`)],
    ['a body of more than 51,200 bytes', 'PUT /mmds HTTP/1.1\r\nContent-Length: 51201\r\n\r\n'],
    ['a method it does not know', bytesOf('POST', '/actions', {})],
    ['a header without a colon', bytesOf('GET', '/', undefined, 'oops\r\n')],
    ['another version of HTTP', 'GET / HTTP/2.0\r\n\r\n'],
  ])('refuses %s in the key `error`', async (_, bytes) => {
    const answer = await exchange(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 400 \r\n/);
    expect(answer).toMatch(/\{"error":".*All previous unanswered requests will be dropped/);
    expect(fake.requests).toEqual([]);
  });

  it('reads a request that arrives byte by byte, and two that arrive as one', async () => {
    const socket = await dial();
    for (const byte of bytesOf('PUT', '/entropy', {})) {
      socket.write(byte);
    }
    expect(await receive(socket)).toBe('HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n');
    socket.write(bytesOf('GET', '/version') + bytesOf('GET', '/version'));
    await expect.poll(() => fake.requests.length).toBe(3);
  });

  it('turns the eleventh connection away', async () => {
    for (let count = 0; count < 10; count += 1) {
      await dial();
    }
    expect(await receive(await dial())).toMatch(/^HTTP\/1\.1 503 .*\{"error":"Too many open connections"\}$/s);
    expect(fake.connections).toEqual({ most: 10, total: 11 });
  });

  it('handles one request at a time, whichever connection it comes from', async () => {
    const order: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    await start({
      interfere: ({ path }) => {
        order.push(path);
        return path === '/' ? gate.promise : undefined;
      },
    });
    const [slow, other] = [call('GET', '/'), await dial()];
    await expect.poll(() => order).toEqual(['/']);
    other.write(bytesOf('GET', '/version'));
    expect(order).toEqual(['/']);
    gate.resolve(undefined);
    await slow;
    expect(await receive(other)).toContain('1.16.1');
    expect(order).toEqual(['/', '/version']);
  });
});

describe('the API of the fake Firecracker', () => {
  it.each([
    ['PUT', '/foo', {}, 'Invalid request method and/or path: PUT foo.'],
    ['PUT', '/foo', undefined, 'Empty PUT request.'],
    ['PATCH', '/vm', undefined, 'Empty PATCH request.'],
    ['GET', '/', {}, 'GET request cannot have a body.'],
    [
      'PUT',
      '/vsock',
      { guest_cid: 3, uds_path: '/v', speed: 1 },
      /^An error occurred when deserializing .*unknown field/,
    ],
    ['PUT', '/vsock', { guest_cid: 3 }, /missing field .uds_path/],
    ['PUT', '/vsock', { guest_cid: '3', uds_path: '/v' }, /invalid type/],
    ['PUT', '/machine-config', { vcpu_count: 1, mem_size_mib: 1, huge_pages: 'Transparent' }, /unknown variant/],
    ['PUT', '/metrics', { metrics_path: '/m', emit_id: true }, /unknown field/],
    ['PUT', '/machine-config', { vcpu_count: 1, mem_size_mib: 0 }, /^Machine config error: The memory size/],
    ['PUT', '/machine-config', { vcpu_count: 33, mem_size_mib: 1 }, /The number of vCPUs must be greater than 0/],
    ['PUT', '/drives/a-b', { ...drive, drive_id: 'a-b' }, /^API Resource IDs can only contain/],
    ['PUT', '/drives', drive, 'The ID cannot be empty.'],
    ['PUT', '/drives/own', drive, 'The id from the path does not match the id from the body!'],
    ['PUT', '/network-interfaces/x', network, /The id from the path \[x\] does not match .* \[eth0\]!/],
    ['PUT', '/boot-source', { kernel_image_path: '/none' }, /^Boot source error: The kernel file cannot be opened: /],
    ['PUT', '/actions', { action_type: 'InstanceStart' }, /Cannot start microvm without kernel configuration/],
    ['PUT', '/mmds/config', { version: 'V2', network_interfaces: ['eth0'] }, /does not correspond to any existing/],
    [
      'PUT',
      '/snapshot/load',
      { snapshot_path: '/s' },
      'missing field: either `mem_backend` or `mem_file_path` is required',
    ],
    [
      'PUT',
      '/snapshot/load',
      { snapshot_path: '/s', mem_file_path: '/m', mem_backend: { backend_type: 'File', backend_path: '/m' } },
      /^too many fields: /,
    ],
    ['PATCH', '/vm', { state: 'Paused' }, /not supported before starting/],
    ['PUT', '/snapshot/create', { snapshot_path: '/s', mem_file_path: '/m' }, /not supported before starting/],
    ['PATCH', '/drives/base', { drive_id: 'base' }, /not supported before starting/],
    ['DELETE', '/drives/base', undefined, /not supported before starting/],
    ['PUT', '/actions', { action_type: 'FlushMetrics' }, /not supported before starting/],
  ])('answers %s %s %j before the start as the real one does', async (method, path, body, message) => {
    const [status, ...words] = (await call(method, path, body)).split(' ');
    const text = words.join(' ');
    expect(status).toBe('400');
    if (typeof message === 'string') {
      expect(text).toBe(message);
    } else {
      expect(text).toMatch(message);
    }
  });

  it('refuses a second root drive, a MAC address given twice, and a network device that is absent', async () => {
    await start({ taps: ['tap0', 'tap1'] });
    await call('PUT', '/drives/base', drive);
    expect(await call('PUT', '/drives/base', drive)).toBe('204');
    expect(await call('PUT', '/drives/own', { ...drive, drive_id: 'own' })).toBe(
      '400 Drive config error: A root block device already exists!',
    );
    await call('PUT', '/network-interfaces/eth0', network);
    const second = { ...network, iface_id: 'eth1', host_dev_name: 'tap1' };
    expect(await call('PUT', '/network-interfaces/eth1', second)).toMatch(/The MAC address is already in use: /);
    const lost = { ...second, guest_mac: '06:00:C0:A8:64:12', host_dev_name: 'tap9' };
    expect(await call('PUT', '/network-interfaces/eth1', lost)).toMatch(/Cannot open\/create the tap device: /);
  });

  it('takes metrics once, and says that a field is deprecated', async () => {
    expect(await call('PUT', '/metrics', { metrics_path: '/m' })).toBe('204');
    expect(await call('PUT', '/metrics', { metrics_path: '/m' })).toMatch(/^400 Metrics error/);
    expect(await exchange(bytesOf('PUT', '/vsock', { guest_cid: 3, uds_path: '/v', vsock_id: 'v' }))).toContain(
      '\r\nDeprecation: true\r\n',
    );
  });

  it('refuses after the start what belongs before it', async () => {
    await boot();
    for (const [path, body] of [
      ['/boot-source', { kernel_image_path: '/vmlinux' }],
      ['/machine-config', { vcpu_count: 1, mem_size_mib: 1 }],
      ['/logger', {}],
      ['/actions', { action_type: 'InstanceStart' }],
      ['/snapshot/load', { snapshot_path: '/s', mem_file_path: '/m' }],
    ] as const) {
      expect(await call('PUT', path, body)).toBe(
        '400 The requested operation is not supported after starting the microVM.',
      );
    }
    expect(await call('PUT', '/drives/own', { ...drive, drive_id: 'own', is_root_device: false })).toBe(
      '400 PCI is not enabled.',
    );
    expect(await call('GET', '/')).toContain('"state":"Running"');
  });

  it('answers 413 for metadata beyond its limit, and logs every body but that of metadata', async () => {
    expect(await call('PUT', '/logger', { log_path: '/log' })).toBe('204');
    expect(await call('PUT', '/mmds', { session: 'canary' })).toBe('204');
    expect(await call('PATCH', '/mmds', { more: 'x'.repeat(30_000) })).toBe('204');
    expect(await call('PATCH', '/mmds', { most: 'x'.repeat(30_000) })).toMatch(/^413 /);
    expect(await call('PUT', '/mmds', { session: 'canary' })).toBe('204');
    expect(await call('GET', '/mmds')).toBe('200 {"session":"canary"}');
    expect(await call('PUT', '/entropy', { rate_limiter: {} })).toBe('204');
    expect(fake.log.join('\n')).toContain('rate_limiter');
    expect(fake.log.join('\n')).not.toContain('canary');
  });
});

describe('snapshots of the fake Firecracker', () => {
  const paths = { snapshot_path: '/snap/state', mem_file_path: '/snap/mem' };
  const load = { snapshot_path: '/snap/state', mem_backend: { backend_type: 'File', backend_path: '/snap/mem' } };

  async function save(options?: Partial<FakeFirecrackerOptions>, memoryMb = 128): Promise<void> {
    await start(options);
    expect(await call('PUT', '/machine-config', { vcpu_count: 1, mem_size_mib: memoryMb })).toBe('204');
    await boot();
    expect(await call('PUT', '/snapshot/create', paths)).toMatch(/save\/restore unavailable while running$/);
    expect(await call('PATCH', '/vm', { state: 'Paused' })).toBe('204');
    expect(await call('PATCH', '/vm', { state: 'Paused' })).toBe('204');
    expect(await call('PATCH', '/network-interfaces/eth0', { iface_id: 'eth0', rx_rate_limiter: {} })).toBe('204');
    expect(await call('PUT', '/snapshot/create', paths)).toBe('204');
    fake.kill('SIGKILL');
    await rm(join(root, 'v.sock'), { force: true });
    await start(options);
  }

  it('come back paused, with their limits and without their boot source', async () => {
    await save();
    await call('PUT', '/metrics', { metrics_path: '/m' });
    const change = { network_overrides: [{ iface_id: 'eth0', host_dev_name: 'tap7' }] };
    expect(await call('PUT', '/snapshot/load', { ...load, ...change })).toBe('204');
    expect(fake.phase).toBe('Paused');
    const config = await call('GET', '/vm/config');
    expect(config).toContain('"host_dev_name":"tap7"');
    expect(config).toContain('rx_rate_limiter');
    expect(config).not.toContain('boot-source');
    expect(await call('PATCH', '/vm', { state: 'Resumed' })).toBe('204');
    expect(fake.phase).toBe('Running');
  });

  it('are of the format of version 1.16, with a file as long as the memory that takes no space', async () => {
    await save();
    expect(await readFile(join(root, 'snap/state'), 'utf8')).toContain('"version":"10.0.0"');
    const { size, blocks } = await stat(join(root, 'snap/mem'));
    expect(size).toBe(128 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(1024 * 1024);
  });

  it('have every page of a balloon in their file, as zeros', async () => {
    await boot({ amount_mib: 8, deflate_on_oom: true });
    expect(await call('PATCH', '/vm', { state: 'Paused' })).toBe('204');
    expect(await call('PUT', '/snapshot/create', paths)).toBe('204');
    const { size, blocks } = await stat(join(root, 'snap/mem'));
    expect(size).toBe(128 * 1024 * 1024);
    expect(blocks * 512).toBeGreaterThanOrEqual(8 * 1024 * 1024);
  });

  it('keep what was in a memory that is larger than a buffer can be', async () => {
    let found: string | undefined;
    const computer: FakeComputer = {
      run: async ({ memory }) => void (found = memory),
      freeze: async () => `${'ä'.repeat(100_000)}, the end`,
    };
    await save({ computer }, 5 * 1024);
    expect(await call('PUT', '/snapshot/load', { ...load, resume_vm: true })).toBe('204');
    expect(found).toBe(`${'ä'.repeat(100_000)}, the end`);
  });

  it('are refused once anything was configured, and the process stays', async () => {
    await save();
    await call('PUT', '/entropy', {});
    expect(await call('PUT', '/snapshot/load', load)).toMatch(/not allowed after configuring boot-specific resources/);
    expect(await call('GET', '/')).toContain('Not started');
  });

  it('are refused with the time of day where their state has none, as on an older host', async () => {
    await save({ clockRealtime: false });
    expect(await call('PUT', '/snapshot/load', { ...load, clock_realtime: true })).toBe(
      '400 Load snapshot error: Failed to restore from snapshot: Failed to build microVM from snapshot: Failed to restore microVM state: clock_realtime requested but not present in the snapshot state',
    );
    expect(await fake.exited).toEqual({ code: 1, signal: null });
    await rm(join(root, 'v.sock'), { force: true });
    await start();
    expect(await call('PUT', '/snapshot/load', load)).toBe('204');
  });

  it('end the process where they cannot be loaded', async () => {
    await save();
    await truncate(join(root, 'snap/mem'), 1);
    expect(await call('PUT', '/snapshot/load', load)).toMatch(/^400 Load snapshot error: /);
    expect(await fake.exited).toEqual({ code: 1, signal: null });
    await expect(dial()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the vsock of the fake Firecracker', () => {
  const guest = (port: number) => (port === 1024 ? (socket: Socket) => void socket.end('hello') : undefined);

  it('shakes hands, and hangs up where nobody listens', async () => {
    await start({ guest });
    await boot();
    const socket = await dial(join(root, 'v.sock'));
    socket.write('CONNECT 1024\n');
    expect(await receive(socket)).toMatch(/^OK \d+\n(hello)?$/);
    const deaf = await dial(join(root, 'v.sock'));
    deaf.write('CONNECT 1025\n');
    await once(deaf, 'close');
  });

  it('is dead after a bare pause and resume', async () => {
    await start({ guest });
    await boot();
    await call('PATCH', '/vm', { state: 'Paused' });
    await call('PATCH', '/vm', { state: 'Resumed' });
    const socket = await dial(join(root, 'v.sock'));
    socket.write('CONNECT 1024\n');
    const answered = await Promise.race([receive(socket), call('GET', '/').then(() => 'nothing')]);
    expect(answered).toBe('nothing');
  });
});
