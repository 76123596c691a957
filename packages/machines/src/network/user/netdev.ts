import { SallyportError } from '@sallyport/core';

import type { Way } from './ways.ts';

export interface NetdevFacts {
  readonly subnet: string;
  readonly address: string;
  readonly gateway: string;
  readonly egress: { readonly host: string; readonly port: number };
  /** Where the host finds the guest's agent, which has the same port. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly way: Way;
}

/**
 * QEMU's `-netdev user`, as closed as it can be. `restrict=on` drops all that is not for the egress proxy's address and
 * port: other hosts, the host itself, name service, UDP. A separate program carries each connection to the proxy's
 * socket: QEMU's other way, a character device, carries one connection in all.
 */
export function netdevWords({ subnet, address, gateway, egress, listen, way }: NetdevFacts): string {
  const options = {
    ipv4: 'on',
    ipv6: 'off',
    restrict: 'on',
    net: subnet,
    host: gateway,
    hostfwd: `tcp:${listen.host}:${listen.port}-${address}:${listen.port}`,
    guestfwd: `tcp:${egress.host}:${egress.port}-cmd:${carryTo(way)}`,
  };
  // A comma in a value is written twice (qemu(1)).
  const words = Object.entries(options).map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`);
  return ['user', ...words].join(',');
}

/** Its far side may be silent for long after the near side has said all: not for ever, as socat's own half second. */
const HALF_CLOSED_SECONDS = 300;

/** From the directory, since a socket's address cannot be as long as a path; with nothing of the monitor's environment. */
function carryTo({ folder, name }: Way): string {
  // socat has a syntax within its words.
  if (!/^[\w.-]+$/.test(name)) throw new SallyportError('MACHINE_FAILED', `"${name}" cannot be a machine's egress.`);
  // Its complaints would go where the proxy's answers go: to the guest.
  const socat = [SOCAT, '-lf', '/dev/null', '-t', String(HALF_CLOSED_SECONDS), '-', `UNIX-CONNECT:${name}`];
  return ['/usr/bin/env', '-i', '-C', folder, ...socat].map(quote).join(' ');
}

export const SOCAT = '/usr/bin/socat';

/** As g_shell_parse_argv() of GLib reads it. */
function quote(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
