import type { AgentClient } from '../contracts/agent-client.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { BoundSession } from './bound-session.ts';
import type { CallbackReception } from './receive-callbacks.ts';
import type { LiveSession } from './session.ts';

export interface AttemptRequest {
  readonly session: LiveSession;
  readonly agent: AgentClient;
  readonly manifest: ProviderManifest;
  readonly method: LoginMethod;
  readonly display: 'desktop' | 'local' | 'none';
  readonly reception: CallbackReception;
  readonly signal: AbortSignal;
}

/** What the steps of an attempt work with. */
export type Attempt = Omit<AttemptRequest, 'session'> & { readonly session: BoundSession };
