import { once } from 'node:events';

import { systemClock } from '@sallyport/core';
import type { FakeFault } from '@sallyport/testkit/firecracker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createFakeJail, plan, resources } from './__fixtures__/fake-jail.ts';
import type { FakeJail } from './__fixtures__/fake-jail.ts';
import { bootSequence } from './boot-sequence.ts';
import { bootVmm } from './boot.ts';
import type { RunningVmm } from './boot.ts';
import { connectVsock, waitForVsock } from './vsock.ts';

const requests = bootSequence(plan('cli'), resources);
/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();

let jailed: FakeJail;

beforeEach(async () => {
  jailed = await createFakeJail();
});

afterEach(() => jailed.close());

const ready = async (_: RunningVmm, alive: AbortSignal): Promise<void> =>
  void (await waitForVsock(jailed.vsock, systemClock, alive)).destroy();

describe('the boot of a Firecracker machine', () => {
  it('is these requests for a CLI machine', () => {
    expect(requests).toMatchInlineSnapshot(`
      [
        {
          "body": {
            "level": "Warning",
            "log_path": "/firecracker.log",
            "show_level": true,
            "show_log_origin": false,
          },
          "method": "PUT",
          "path": "/logger",
        },
        {
          "body": {
            "rate_limiter": {
              "one_time_burst": 65536,
              "refill_time": 1000,
              "size": 65536,
            },
            "serial_out_path": "/serial.out",
          },
          "method": "PUT",
          "path": "/serial",
        },
        {
          "body": {
            "mem_size_mib": 384,
            "smt": false,
            "track_dirty_pages": false,
            "vcpu_count": 1,
          },
          "method": "PUT",
          "path": "/machine-config",
        },
        {
          "body": {
            "boot_args": "console=ttyS0 quiet reboot=k panic=1 nomodule i8042.noaux i8042.nomux i8042.dumbkbd swiotlb=noforce clocksource=kvm-clock random.trust_cpu=on init=/etc/overlay-init ip=192.168.100.17::192.168.100.1:255.255.255.0:m-abcdefghij234567klmn:eth0:off",
            "kernel_image_path": "/vmlinux",
          },
          "method": "PUT",
          "path": "/boot-source",
        },
        {
          "body": {
            "drive_id": "base",
            "io_engine": "Sync",
            "is_read_only": true,
            "is_root_device": true,
            "path_on_host": "/base.ext4",
            "rate_limiter": {
              "bandwidth": {
                "refill_time": 1000,
                "size": 52428800,
              },
              "ops": {
                "refill_time": 1000,
                "size": 4000,
              },
            },
          },
          "method": "PUT",
          "path": "/drives/base",
        },
        {
          "body": {
            "cache_type": "Writeback",
            "drive_id": "own",
            "io_engine": "Sync",
            "is_read_only": false,
            "is_root_device": false,
            "path_on_host": "/own.ext4",
            "rate_limiter": {
              "bandwidth": {
                "refill_time": 1000,
                "size": 52428800,
              },
              "ops": {
                "refill_time": 1000,
                "size": 4000,
              },
            },
          },
          "method": "PUT",
          "path": "/drives/own",
        },
        {
          "body": {
            "drive_id": "agent",
            "io_engine": "Sync",
            "is_read_only": true,
            "is_root_device": false,
            "path_on_host": "/agent.ext4",
            "rate_limiter": {
              "bandwidth": {
                "refill_time": 1000,
                "size": 52428800,
              },
              "ops": {
                "refill_time": 1000,
                "size": 4000,
              },
            },
          },
          "method": "PUT",
          "path": "/drives/agent",
        },
        {
          "body": {
            "guest_mac": "02:fc:c0:a8:64:11",
            "host_dev_name": "fc-vm-abcdefgh",
            "iface_id": "eth0",
            "rx_rate_limiter": {
              "bandwidth": {
                "one_time_burst": 31250000,
                "refill_time": 1000,
                "size": 6250000,
              },
            },
            "tx_rate_limiter": {
              "bandwidth": {
                "one_time_burst": 31250000,
                "refill_time": 1000,
                "size": 6250000,
              },
              "ops": {
                "refill_time": 1000,
                "size": 20000,
              },
            },
          },
          "method": "PUT",
          "path": "/network-interfaces/eth0",
        },
        {
          "body": {
            "guest_cid": 3,
            "uds_path": "/v.sock",
          },
          "method": "PUT",
          "path": "/vsock",
        },
        {
          "body": {
            "rate_limiter": {
              "bandwidth": {
                "refill_time": 1000,
                "size": 10000,
              },
            },
          },
          "method": "PUT",
          "path": "/entropy",
        },
        {
          "body": {
            "amount_mib": 0,
            "deflate_on_oom": true,
            "free_page_reporting": false,
            "stats_polling_interval_s": 5,
          },
          "method": "PUT",
          "path": "/balloon",
        },
        {
          "body": {
            "action_type": "InstanceStart",
          },
          "method": "PUT",
          "path": "/actions",
        },
      ]
    `);
  });

  it('gives a browser machine more, and keeps nothing of its disk', () => {
    const browser = bootSequence(plan('browser'), resources);
    expect(browser.map(({ path }) => path)).toEqual(requests.map(({ path }) => path));
    const changed = browser.filter((request, index) => JSON.stringify(request) !== JSON.stringify(requests[index]));
    expect(changed.map(({ path, body }) => [path, body])).toMatchInlineSnapshot(`
      [
        [
          "/machine-config",
          {
            "mem_size_mib": 1536,
            "smt": false,
            "track_dirty_pages": false,
            "vcpu_count": 2,
          },
        ],
        [
          "/drives/own",
          {
            "drive_id": "own",
            "io_engine": "Sync",
            "is_read_only": false,
            "is_root_device": false,
            "path_on_host": "/own.ext4",
            "rate_limiter": {
              "bandwidth": {
                "refill_time": 1000,
                "size": 52428800,
              },
              "ops": {
                "refill_time": 1000,
                "size": 4000,
              },
            },
          },
        ],
      ]
    `);
  });

  it.each(['cli', 'browser'] as const)('is accepted by the API for a %s machine, which then answers', async (role) => {
    const running = await bootVmm(
      { clock: systemClock, requests: bootSequence(plan(role), resources), startVmm: () => jailed.startVmm(), ready },
      signal,
    );
    expect(jailed.fakes[0]?.phase).toBe('Running');
    expect(jailed.fakes[0]?.requests.map(({ path }) => path)).toEqual(requests.map(({ path }) => path));
    const socket = await connectVsock(jailed.vsock, systemClock, signal);
    expect(String(socket.read() ?? (await new Promise((resolve) => socket.once('data', resolve))))).toBe('agent');
    socket.destroy();
    running.api.close();
  });

  it.each<FakeFault>([
    { kind: 'answer', status: 400, body: { fault_message: 'no' } },
    { kind: 'answer', status: 413, body: { fault_message: 'too much' } },
    { kind: 'answer', status: 503, body: { error: 'Too many open connections' } },
    { kind: 'garbage' },
    { kind: 'half' },
    { kind: 'close' },
    { kind: 'exit' },
  ])('leaves no process behind when any request is answered by $kind', async (fault) => {
    for (const index of requests.keys()) {
      const startVmm = () => jailed.startVmm({ interfere: (_, at) => (at === index ? fault : undefined) });
      const boot = bootVmm({ clock: systemClock, requests, startVmm, ready }, signal);
      await expect(boot, `request ${index}`).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
      expect(jailed.fakes[index]?.requests.length).toBe(index + 1);
      expect(await jailed.fakes[index]?.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    }
  });

  it('leaves no process behind when any request is never answered and its caller gives up', async () => {
    for (const index of requests.keys()) {
      const mind = new AbortController();
      const interfere = (_: unknown, at: number) => {
        if (at === index) mind.abort(new Error('changed my mind'));
        return at === index ? ({ kind: 'hang' } as const) : undefined;
      };
      const startVmm = () => jailed.startVmm({ interfere });
      const boot = bootVmm({ clock: systemClock, requests, startVmm, ready }, mind.signal);
      await expect(boot, `request ${index}`).rejects.toThrow('changed my mind');
      expect(await jailed.fakes[index]?.exited).toMatchObject({ signal: 'SIGKILL' });
    }
  });

  it('says how Firecracker ended when it ends while the guest boots', async () => {
    const boot = bootVmm(
      {
        clock: systemClock,
        requests,
        startVmm: () => jailed.startVmm(),
        ready: async (_, alive) => {
          jailed.fakes[0]?.kill('SIGSEGV');
          await once(alive, 'abort');
          alive.throwIfAborted();
        },
      },
      signal,
    );
    await expect(boot).rejects.toThrow('Firecracker was ended by SIGSEGV.');
  });

  it('tells a forbidden system call from a connection that broke', async () => {
    const startVmm = async (): Promise<RunningVmm> => {
      const { api, vmm } = await jailed.startVmm({ interfere: (_, at) => (at === 3 ? { kind: 'exit' } : undefined) });
      return { api, vmm: { ...vmm, exited: vmm.exited.then(() => ({ code: 148, signal: null })) } };
    };
    await expect(bootVmm({ clock: systemClock, requests, startVmm, ready }, signal)).rejects.toMatchObject({
      message: expect.stringContaining('treat this as an attack'),
      details: { code: 148, security: true },
    });
  });

  it('ends the process when the signal says so', async () => {
    const mind = new AbortController();
    const boot = bootVmm(
      {
        clock: systemClock,
        requests,
        startVmm: () => jailed.startVmm(),
        ready: async (_, alive) => {
          mind.abort(new Error('changed my mind'));
          alive.throwIfAborted();
        },
      },
      mind.signal,
    );
    await expect(boot).rejects.toThrow('changed my mind');
    expect(await jailed.fakes[0]?.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it('does not wait for a guest where nobody listens', async () => {
    await bootVmm({ clock: systemClock, requests, startVmm: () => jailed.startVmm(), ready }, signal);
    await expect(connectVsock({ ...jailed.vsock, port: 1 }, systemClock, signal)).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
    });
  });

  it('refuses a network device whose name is too long before anything starts', () => {
    expect(() => bootSequence(plan('cli'), { ...resources, tap: 'x'.repeat(16) })).toThrow(/name of a network device/);
  });
});
