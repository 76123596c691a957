import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createVirtualClock } from '@sallyport/testkit';
import { startFakeFirecracker } from '@sallyport/testkit/firecracker';
import type { FakeFault, FakeFirecracker } from '@sallyport/testkit/firecracker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createApiClient, timeoutOf } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { checkInstanceId, checkResourceId, checkTapName } from './names.ts';
import { patch, put } from './request.ts';

const never = new AbortController().signal;
const info = { method: 'GET', path: '/' } as const;

let root: string;
let fake: FakeFirecracker;
let client: ApiClient;
let happens: FakeFault | Promise<undefined> | undefined;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  happens = undefined;
  const socketPath = join(root, 'api');
  fake = await startFakeFirecracker({ socketPath, root, interfere: () => happens });
  client = createApiClient({ socketPath, clock: systemClock });
});

afterEach(async () => {
  client.close();
  await fake.close();
  await rm(root, { recursive: true });
});

describe('the client of Firecracker', () => {
  it('gives back what a GET answers, and nothing for a success without content', async () => {
    expect(await client.send(info, never)).toMatchObject({ app_name: 'Firecracker', state: 'Not started' });
    expect(await client.send(put('/entropy', {}), never)).toBeUndefined();
  });

  it('sends a length, exact media types, and never chunks', async () => {
    await client.send(put('/machine-config', { vcpu_count: 1, mem_size_mib: 256 }), never);
    const headers = fake.requests[0]?.headers;
    expect(headers?.get('content-length')).toBe('35');
    expect(headers?.get('content-type')).toBe('application/json');
    expect(headers?.get('accept')).toBe('application/json');
    expect(headers?.has('transfer-encoding')).toBe(false);
  });

  it('uses one connection, one request after the other, however many are asked for at once', async () => {
    const gate = Promise.withResolvers<undefined>();
    happens = gate.promise;
    const all = [1, 2, 3, 4].map(() => client.send(info, never));
    await expect.poll(() => fake.requests.length).toBe(1);
    const impatient = new AbortController();
    const queued = client.send(info, impatient.signal);
    impatient.abort(new DOMException('too late', 'TimeoutError'));
    await expect(queued).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(fake.requests.length).toBe(1);
    happens = undefined;
    gate.resolve(undefined);
    await Promise.all(all);
    expect(fake.connections).toEqual({ most: 1, total: 1 });
  });

  it('says which request was refused, why, and what to do', async () => {
    await expect(client.send(put('/boot-source', { kernel_image_path: '/none' }), never)).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      message: expect.stringMatching(
        /^Firecracker refused PUT \/boot-source: 400 Boot source error: The kernel file cannot be opened: /,
      ),
      hint: expect.stringContaining('sallyport images build kernel'),
      details: { method: 'PUT', path: '/boot-source', status: 400 },
    });
    await expect(client.send(patch('/vm', { state: 'Paused' }), never)).rejects.toMatchObject({
      hint: 'The machine is in another state than this server thinks. Destroy it.',
    });
  });

  it('never repeats a body in an error', async () => {
    happens = { kind: 'answer', status: 413, body: { fault_message: 'too much' } };
    const error: unknown = await client
      .send(put('/mmds', { token: 'canary' }), never)
      .catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error) + String(error)).not.toContain('canary');
    expect(fake.log.join('\n')).not.toContain('canary');
  });

  it('shortens and escapes what a hostile answer says', async () => {
    happens = { kind: 'answer', status: 400, body: { fault_message: `\u001b[2J\nroot: ${'x'.repeat(1024 * 1024)}` } };
    const error: unknown = await client.send(info, never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'MACHINE_FAILED' });
    const text = JSON.stringify(error) + String(error);
    expect(text).not.toMatch(/[\u001b\n]/);
    expect(text.length).toBeLessThan(2000);
    happens = undefined;
    expect(await client.send(info, never)).toMatchObject({ state: 'Not started' });
  });

  it.each<FakeFault>([
    { kind: 'answer', status: 503, body: { error: 'Too many open connections' } },
    { kind: 'garbage' },
    { kind: 'half' },
    { kind: 'close' },
    { kind: 'exit' },
  ])('fails with a coded error when the answer is $kind, and does not hang', async (fault) => {
    happens = fault;
    await expect(client.send(info, never)).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      details: { method: 'GET', path: '/' },
    });
  });

  it('waits longer the more memory a request moves, and no longer', async () => {
    expect(timeoutOf({ ...info, movesMemoryMb: 2048 })).toBeGreaterThan(timeoutOf(info) + 40_000);
    const clock = createVirtualClock();
    const patient = createApiClient({ socketPath: join(root, 'api'), clock });
    happens = { kind: 'hang' };
    const sent = patient.send({ ...info, movesMemoryMb: 1000 }, never).catch((thrown: unknown) => thrown);
    await expect.poll(() => fake.requests.length).toBe(1);
    await clock.advance(54_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(await sent).toMatchObject({ code: 'MACHINE_TIMED_OUT', details: { path: '/', timeoutMs: 55_000 } });
    expect(clock.pending).toBe(0);
  });

  it('gives up when the signal says so', async () => {
    happens = { kind: 'hang' };
    const mind = new AbortController();
    const sent = client.send(info, mind.signal);
    await expect.poll(() => fake.requests.length).toBe(1);
    mind.abort(new Error('changed my mind'));
    await expect(sent).rejects.toThrow('changed my mind');
  });
});

describe('names that Firecracker and Linux take', () => {
  it('refuses a socket whose path is too long before anything is connected', () => {
    const clock = systemClock;
    const fits = `/${'x'.repeat(106)}`;
    expect(() => createApiClient({ socketPath: fits, clock })).not.toThrow();
    expect(() => createApiClient({ socketPath: `${fits}x`, clock })).toThrow(/has a path of 108 bytes/);
  });

  it('knows which ids may have hyphens, and how long a network device is named', () => {
    expect(() => checkInstanceId('m-abcdefghij234567klmn')).not.toThrow();
    expect(() => checkInstanceId('x'.repeat(65))).toThrow(/cannot be the id/);
    expect(() => checkInstanceId('../x')).toThrow(/cannot be the id/);
    expect(() => checkResourceId('eth0')).not.toThrow();
    expect(() => checkResourceId('m-1')).toThrow(/cannot be the id/);
    expect(() => checkTapName('fc-vm-abcdefgh')).not.toThrow();
    expect(() => checkTapName('fc-vm-abcdefghij')).toThrow(/name of a network device/);
  });
});
