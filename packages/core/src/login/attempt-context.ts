import type { AgentClient } from '../contracts/agent-client.ts';
import type { LoginMethod } from '../provider/login-method.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
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

/** What the steps of an attempt work with. Its session refuses to be written to once the attempt is over. */
export type Attempt = Omit<AttemptRequest, 'session'> & {
  readonly session: Pick<
    LiveSession,
    'sessionId' | 'userId' | 'openQuestions' | 'showScreen' | 'showPage' | 'advance' | 'note'
  >;
};
