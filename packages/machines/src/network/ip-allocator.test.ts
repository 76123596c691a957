import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openIpAllocator } from './ip-allocator.ts';
import { macOf, parseSubnet } from './subnet.ts';

describe('the list of who has which address', () => {
  let directory: string;
  let now: number;
  const addresses = parseSubnet('10.0.0.0/29').addresses;
  const clock: Clock = { ...systemClock, now: () => now };
  const open = () =>
    openIpAllocator({ file: join(directory, 'network/machines.json'), addresses, quarantineMs: 1000, clock });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-places-'));
    now = 1_000_000;
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('gives a machine one place, also after a restart', async () => {
    const first = await (await open()).take('m-abcdefghijkl', []);
    expect(first).toEqual({ address: '10.0.0.2', tap: 'fc-vm-abcdefgh' });
    expect(await (await open()).take('m-abcdefghijkl', [])).toEqual(first);
  });

  it('gives no two machines the same TAP, though their ids begin alike', async () => {
    const book = await open();
    const taps = [];
    for (const id of ['m-abcdefgh1', 'm-abcdefgh2', 'm-abcdefgh3']) taps.push((await book.take(id, [])).tap);
    expect(new Set(taps).size).toBe(3);
    for (const tap of taps) expect(tap).toMatch(/^fc-vm-[a-z0-9]{8}$/);
  });

  it('gives an address to nobody else for a while, and then the one that rested longest', async () => {
    const book = await open();
    for (const id of ['m-1', 'm-2', 'm-3', 'm-4', 'm-5']) await book.take(id, []);
    await expect(book.take('m-6', [])).rejects.toThrow('All 5 addresses');
    await book.giveBack('m-4');
    now += 10;
    await book.giveBack('m-2');
    await book.giveBack('m-2');
    await expect(book.take('m-6', [])).rejects.toThrow('All 5 addresses');
    now += 1000;
    const reopened = await open();
    expect((await reopened.take('m-6', [])).address).toBe('10.0.0.5');
    expect((await reopened.take('m-7', [])).address).toBe('10.0.0.3');
  });

  it('does not give away what something has that it knows nothing of', async () => {
    const inUse = [
      { address: '10.0.0.2', tap: '' },
      { address: '', tap: 'fc-vm-abcdefgh' },
    ];
    const { address, tap } = await (await open()).take('m-abcdefghijkl', inUse);
    expect(address).toBe('10.0.0.3');
    expect(tap).not.toBe('fc-vm-abcdefgh');
  });
});

describe('a network of machines', () => {
  it('has its gateway first and every other address for machines', () => {
    const { gateway, netmask, addresses } = parseSubnet('192.168.100.0/24');
    expect({ gateway, netmask, count: addresses.length, first: addresses[0], last: addresses.at(-1) }).toEqual({
      gateway: '192.168.100.1',
      netmask: '255.255.255.0',
      count: 253,
      first: '192.168.100.2',
      last: '192.168.100.254',
    });
    expect(macOf('192.168.100.2')).toBe('02:fc:c0:a8:64:02');
  });

  it.each(['192.168.100.1/24', '192.168.300.0/24', '10.0.0.0/8', '10.0.0.0/30', 'fd00::/64', '10.0.0.0'])(
    'is refused where it is written as %s',
    (text) => {
      expect(() => parseSubnet(text)).toThrow('is not a network for machines');
    },
  );
});
