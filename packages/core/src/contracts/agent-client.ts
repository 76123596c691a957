import type { Duplex } from 'node:stream';

import type { CredentialFiles } from './credential-files.ts';
import type { Machine } from './driver.ts';
import type {
  AgentEvent,
  ExecuteEvent,
  ExecuteRequest,
  Health,
  StartLoginRequest,
  StartLoginResponse,
} from '../protocol/agent-api.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import type { Secret } from '../base/secret.ts';

/** The server's side of the agent's API. `@sallyport/machines` has the HTTP one; tests pass fakes. */
export interface AgentClient {
  health(signal: AbortSignal): Promise<Health>;
  startLogin(provider: string, request: StartLoginRequest, signal: AbortSignal): Promise<StartLoginResponse>;
  answer(provider: string, request: { sessionId: string; promptId: string; value: string }): Promise<void>;
  cancelLogin(provider: string, request: { sessionId: string }): Promise<void>;
  /** Relays a sign-in callback to the CLI's loopback listener; resolves to whether it was accepted. */
  callback(query: URLSearchParams, signal: AbortSignal): Promise<boolean>;
  openPage(url: string): Promise<void>;
  watchCredentials(provider: string, items: readonly CredentialItem[]): Promise<void>;
  acknowledge(offerId: string): Promise<void>;
  /** Reads the credential now; `undefined` where there is no complete one. */
  capture(provider: string, items: readonly CredentialItem[]): Promise<CredentialFiles | undefined>;
  /** Everything that happens in the machine, from the beginning of the boot. Ends when the machine does. */
  events(signal: AbortSignal): AsyncIterable<AgentEvent>;
  execute(request: ExecuteRequest, signal: AbortSignal): AsyncIterable<ExecuteEvent>;
  /** An upgraded WebSocket connection to `/vnc`: raw frames both ways, after a 101 for the given key. */
  upgradeDesktop(
    request: { readonly key: string; readonly protocol: string | undefined },
    signal: AbortSignal,
  ): Promise<UpgradedDesktop>;
}

export interface UpgradedDesktop {
  readonly socket: Duplex;
  /** Bytes that came right behind the agent's 101. */
  readonly head: Buffer;
  readonly accept: string;
  readonly protocol: string | undefined;
}

export type ConnectAgent = (machine: Machine, token: Secret) => AgentClient;
