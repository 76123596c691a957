/**
 * What a server with a machine in QEMU is killed at, in the order in which it comes there. `unrecorded`: QEMU runs, and the
 * note of that is written and not yet in its place. `state`: QEMU stands still and sends its machine's memory to the server.
 */
export type KillStep = 'disk' | 'place' | 'process' | 'unrecorded' | 'ready' | 'state' | 'manifest';

export const killedMachine = 'm-killed';
