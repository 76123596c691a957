import { SallyportError } from '@sallyport/core';

/** An IPv4 network: its first address is the gateway's, the rest but the last are machines'. */
export interface Subnet {
  readonly gateway: string;
  readonly prefix: number;
  readonly netmask: string;
  /** Every address that a machine can have, in order. */
  readonly addresses: readonly string[];
}

/** Reads `192.168.100.0/24`. From 2 to 1021 machines; fewer make no pool, and more no single bridge. */
export function parseSubnet(text: string): Subnet {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const bytes = match?.slice(1, 5).map(Number) ?? [];
  const prefix = Number(match?.[5]);
  const size = 2 ** (32 - prefix);
  const base = bytes.reduce((number, byte) => number * 256 + byte, 0);
  if (!match || bytes.some((byte) => byte > 255) || prefix < 22 || prefix > 29 || base % size !== 0) {
    throw new SallyportError('CONFIG_INVALID', `"${text}" is not a network for machines.`, {
      hint: 'Write it as 192.168.100.0/24, with a prefix from 22 to 29 and zeros behind it.',
    });
  }
  return {
    gateway: formatAddress(base + 1),
    prefix,
    netmask: formatAddress(2 ** 32 - size),
    addresses: Array.from({ length: size - 3 }, (_value, index) => formatAddress(base + 2 + index)),
  };
}

/** Locally administered, and the address in it: no two of one network are the same. */
export function macOf(address: string): string {
  return ['02', 'fc', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}

function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
