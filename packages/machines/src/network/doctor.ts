import { access } from 'node:fs/promises';

import type { Check } from '@sallyport/core/driver';

import { findProgram, installCommand } from '../host/programs.ts';
import { runCommand } from './namespace.ts';

/** What this host has, and what is missing, for a bridge of machines. The packet filter is tried out in a namespace that ends at once. */
export async function checkNetworkHost(packetFilter: string): Promise<readonly Check[]> {
  return [
    await checkPrograms('iproute2', ['ip', 'bridge']),
    checkPrivilege(),
    await checkTunnelDevice(),
    await checkPacketFilter(packetFilter),
  ];
}

async function checkPrograms(debianPackage: string, names: readonly string[]): Promise<Check> {
  const paths = await Promise.all(names.map(findProgram));
  const missing = names.filter((_name, index) => paths[index] === undefined);
  return missing.length === 0
    ? { name: debianPackage, state: 'ok', found: paths.join(', ') }
    : {
        name: debianPackage,
        state: 'missing',
        found: `without ${missing.join(', ')}`,
        fix: installCommand([debianPackage]),
      };
}

function checkPrivilege(): Check {
  const name = 'network privilege';
  return process.geteuid?.() === 0
    ? { name, state: 'ok', found: 'root' }
    : {
        name,
        state: 'missing',
        found: 'not root: no bridge, no TAP',
        fix: 'Run the server as root, for instance as a systemd service',
      };
}

async function checkTunnelDevice(): Promise<Check> {
  const name = '/dev/net/tun';
  const isThere = await access(name).then(
    () => true,
    () => false,
  );
  return isThere
    ? { name, state: 'ok', found: 'there' }
    : { name, state: 'missing', found: 'absent', fix: 'sudo modprobe tun' };
}

async function checkPacketFilter(packetFilter: string): Promise<Check> {
  const program = await checkPrograms('nftables', ['nft']);
  if (program.state !== 'ok' || process.geteuid?.() !== 0) return program;
  try {
    await runCommand(['unshare', '--net', 'nft', '-f', '-'], packetFilter);
    return program;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const fix = 'Load nf_tables with its bridge family: sudo modprobe -a nf_tables nft_meta_bridge nf_conntrack';
    return { name: 'nftables', state: 'missing', found: problem, fix };
  }
}
