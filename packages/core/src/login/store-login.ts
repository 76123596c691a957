import { checkExclusion } from '../credentials/exclusion.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { storeCredential } from '../runtime/store-credential.ts';
import type { OfferOutcome } from '../credentials/ledger.ts';
import type { LoginRun } from './login-run.ts';

/** Stores what a login has brought, and returns its version. What is held is not the user's yet: no plugin hears of it. */
export async function storeLogin(
  runtime: Runtime,
  { provider: { manifest }, replace, hold, session }: Pick<LoginRun, 'provider' | 'replace' | 'hold' | 'session'>,
  files: CredentialFiles,
  isUnchecked = false,
): Promise<number> {
  const { userId, provider, sessionId } = session;
  const { signal } = session.abort;
  signal.throwIfAborted();
  if (hold) return storeHeld(runtime, session, files, isUnchecked);
  const verdict = await storeCredential(runtime, {
    userId,
    provider,
    files,
    reason: 'login',
    isUnchecked,
    beforeStore: async (summary) => {
      const { kind } = summary.facts;
      // Asked when the login started, too; the user may have connected the other kind meanwhile.
      await checkExclusion(runtime.store, { userId, provider, title: manifest.title, kind, replace });
      await runtime.hooks.credentialCaptured(summary, { userId, provider, sessionId, signal });
      signal.throwIfAborted();
    },
  });
  if (verdict.outcome === 'refused') throw notStored(verdict);
  return verdict.version;
}

async function storeHeld(
  runtime: Runtime,
  { provider, sessionId }: LoginRun['session'],
  files: CredentialFiles,
  isUnchecked: boolean,
): Promise<number> {
  const verdict = await runtime.ledger.offer({ userId: sessionId, provider, files, reason: 'login', isUnchecked });
  if (verdict.outcome === 'refused') throw notStored(verdict);
  return verdict.version;
}

export function notStored({ why, problem }: Extract<OfferOutcome, { outcome: 'refused' }>): SallyportError {
  const code = why === 'stale' ? 'CREDENTIAL_STALE' : 'CREDENTIAL_INCOMPLETE';
  return new SallyportError(code, `The CLI's credential was not stored: ${problem}.`, { hint: 'Log in again.' });
}
