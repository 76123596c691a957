import type { IncomingMessage, ServerResponse } from 'node:http';

import type { NetworkPlan } from '@sallyport/core/egress';

/**
 * One host of the fake internet. It gets the request as a real server would, and in addition who really
 * sent it, which no real server knows: tests use this to prove where a request came from.
 */
export type Site = (request: IncomingMessage, response: ServerResponse, visit: Visit) => void | Promise<void>;

export interface Visit {
  /** Exact host name the machine connected to. */
  readonly host: string;
  /** The machine whose egress carried the request; {@link personMachineId} for the user's own browser. */
  readonly machineId: string;
  readonly userId: string;
  readonly purpose: NetworkPlan['purpose'];
  /** The whole request body, with its content encoding removed. */
  readonly body: string;
}

/** Stands for the user's own browser, which comes through the loopback server instead of a machine. */
export const personMachineId = 'person';

/** Something a test steers and looks at from another process, through the control socket. */
export interface Controllable {
  /** Merges a change of the fault switches. Throws where the change is not understood. */
  setFaults(change: unknown): void;
  /** Everything worth asserting on. JSON. */
  state(): unknown;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
