import type { Way } from './dial.ts';

/** Where a connection goes. */
export interface Destination {
  /** Lower case; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** How an allowed destination is reached. */
export interface Route {
  readonly way: Way;
  /** The addresses to dial. For a way that looks names up itself, the name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Whether an address may be dialled. One that may not refuses the destination. */
  readonly acceptsAddress: (address: string) => boolean;
}
