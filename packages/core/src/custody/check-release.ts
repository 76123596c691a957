import { SallyportError } from '../base/errors.ts';
import type { CredentialRecord } from '../contracts/store.ts';
import type { CustodyParts } from './parts.ts';

export interface ReleaseRequest {
  readonly userId: string;
  readonly machineId: string;
  readonly signal: AbortSignal;
}

/** See {@link Custody.check}. */
export async function checkRelease(
  parts: CustodyParts,
  { provider, version, facts }: Pick<CredentialRecord, 'provider' | 'version' | 'facts'>,
  { userId, machineId, signal }: ReleaseRequest,
): Promise<void> {
  const driver = parts.driver.name;
  const view = { machineId, userId, role: 'cli', driver, labels: {}, state: 'stopped' } as const;
  const context = { userId, provider, sessionId: undefined, signal };
  const refusal = await parts.hooks.credentialRelease({ provider, version, facts, reason: 'login' }, view, context);
  if (refusal === undefined) return;
  const { title } = parts.registry.get(provider).manifest;
  throw new SallyportError('CREDENTIAL_REFUSED', `The ${title} login was not released: ${refusal}`);
}
