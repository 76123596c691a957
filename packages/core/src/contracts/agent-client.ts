import type { Duplex, Readable } from 'node:stream';

import type { CredentialFiles } from './credential-files.ts';
import type { Machine } from './driver.ts';
import type {
  AgentEvent,
  ExecuteEvent,
  ExecuteRequest,
  Health,
  StartAheadRequest,
  StartLoginRequest,
  StartLoginResponse,
} from '../protocol/agent-api.ts';
import type { AgentDirectory, WorkDirectoryRequest } from '../protocol/work-files.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import type { Secret } from '../base/secret.ts';

/** The server's client for the agent's API. `@sallyport/machines` implements it over HTTP; tests pass fakes. */
export interface AgentClient {
  health(signal: AbortSignal): Promise<Health>;
  startLogin(provider: string, request: StartLoginRequest, signal: AbortSignal): Promise<StartLoginResponse>;
  answer(provider: string, request: { sessionId: string; promptId: string; value: string }): Promise<void>;
  cancelLogin(provider: string, request: { sessionId: string }): Promise<void>;
  /** Relays a sign-in callback to the CLI's loopback listener. Resolves to whether the CLI accepted it. */
  callback(query: URLSearchParams, signal: AbortSignal): Promise<boolean>;
  openPage(url: string): Promise<void>;
  watchCredentials(provider: string, items: readonly CredentialItem[]): Promise<void>;
  acknowledge(offerId: string): Promise<void>;
  /** Reads the credential now. Returns `undefined` if it is not complete. */
  capture(provider: string, items: readonly CredentialItem[]): Promise<CredentialFiles | undefined>;
  /** Streams every event of the machine since it booted. Ends when the machine does. */
  events(signal: AbortSignal): AsyncIterable<AgentEvent>;
  execute(request: ExecuteRequest, signal: AbortSignal): AsyncIterable<ExecuteEvent>;
  /** Lets a CLI wait for a prompt that may come soon. Does nothing where its process takes one prompt only. */
  startAhead(request: StartAheadRequest, signal: AbortSignal): Promise<void>;
  /** Ends the CLIs that wait for a next prompt. */
  endWaiting(): Promise<void>;
  /** Throws `FILE_UNKNOWN`, and `FILE_REFUSED` for anything but a directory. */
  listFiles(request: WorkDirectoryRequest, signal: AbortSignal): Promise<AgentDirectory>;
  /**
   * A regular file below `~/work`. Throws `FILE_UNKNOWN`, `FILE_REFUSED` for anything else, and `FILE_TOO_LARGE`. Aborting
   * the signal destroys the body.
   */
  readFile(path: string, signal: AbortSignal): Promise<WorkFile>;
  /** Opens a WebSocket connection to `/vnc`: raw frames in both directions, after a 101 for the given key. */
  upgradeDesktop(
    request: { readonly key: string; readonly protocol: string | undefined },
    signal: AbortSignal,
  ): Promise<UpgradedDesktop>;
}

export interface WorkFile {
  /** In bytes. */
  readonly size: number;
  /** Of exactly this size, or it fails. The caller reads it to its end, or destroys it. */
  readonly body: Readable;
}

export interface UpgradedDesktop {
  readonly socket: Duplex;
  /** Bytes that arrived together with the agent's 101. */
  readonly head: Buffer;
  readonly accept: string;
  readonly protocol: string | undefined;
}

export type ConnectAgent = (machine: Machine, token: Secret) => AgentClient;
