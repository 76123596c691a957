import { checkExclusion } from '../credentials/exclusion.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { LoginRun } from './login-run.ts';

/** Stores what a login has brought, and returns its version. */
export async function storeLogin(
  runtime: Runtime,
  { provider: { manifest }, replace, session }: Pick<LoginRun, 'provider' | 'replace' | 'session'>,
  files: CredentialFiles,
  isUnchecked = false,
): Promise<number> {
  const { userId, provider, sessionId } = session;
  const { signal } = session.abort;
  signal.throwIfAborted();
  const verdict = await runtime.ledger.offer({
    userId,
    provider,
    files,
    reason: 'login',
    isUnchecked,
    beforeStore: async (summary) => {
      const { kind } = summary.facts;
      // Asked when the login started, too; somebody may have connected the other kind meanwhile.
      await checkExclusion(runtime.store, { userId, provider, title: manifest.title, kind, replace });
      await runtime.hooks.credentialCaptured(summary, { userId, provider, sessionId, signal });
      signal.throwIfAborted();
    },
  });
  if (verdict.outcome === 'refused') {
    const code = verdict.why === 'stale' ? 'CREDENTIAL_STALE' : 'CREDENTIAL_INCOMPLETE';
    throw new SallyportError(code, `The CLI's credential was not stored: ${verdict.problem}.`, {
      hint: 'Log in again.',
    });
  }
  if (verdict.outcome === 'stored') {
    runtime.emit({ type: 'credential.stored', userId, provider, version: verdict.version, reason: 'login' });
  }
  return verdict.version;
}
