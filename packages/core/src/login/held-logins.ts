import { checkExclusion } from '../credentials/exclusion.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { storeCredential } from '../runtime/store-credential.ts';
import type { DiscardReason } from '../contracts/domain-event.ts';
import type { SessionRecord } from '../contracts/store.ts';
import { notStored } from './store-login.ts';

/**
 * Credentials of logins that were started with `hold`. Each is sealed under the id of its session in place of a user's, so no
 * machine and no list finds it. The backend that claims it says that the login is one of the user's own.
 */
export interface HeldLogins {
  /**
   * Gives the credential to the user of the session, and returns its version there. Throws `CREDENTIAL_EXCLUDED` without
   * `replace` if the user has a login of the other kind, `CREDENTIAL_NOT_CONNECTED` if nothing is held, and what a plugin
   * throws to refuse it.
   */
  claim(
    session: SessionRecord,
    options: { readonly externalId: string | null; readonly replace: boolean },
  ): Promise<number>;
  /** Deletes what is held, and audits the reason if there is one. It is not an error if nothing is held. */
  discard(session: Pick<SessionRecord, 'sessionId' | 'userId'>, reason?: DiscardReason): Promise<void>;
}

export function createHeldLogins(runtime: Runtime): HeldLogins {
  const discard: HeldLogins['discard'] = async ({ sessionId, userId }, reason) => {
    for (const { provider } of await runtime.store.credentials.list(sessionId)) {
      const noted = reason && runtime.noteEvent({ type: 'login.discarded', userId, sessionId, provider, reason });
      await runtime.ledger.erase(sessionId, provider, noted?.audit);
      noted?.announce();
    }
  };

  async function claim(
    session: SessionRecord,
    { externalId, replace }: { readonly externalId: string | null; readonly replace: boolean },
  ): Promise<number> {
    const { sessionId, userId, provider } = session;
    const { manifest } = runtime.registry.get(provider);
    runtime.gate.check(provider);
    const held = await runtime.store.credentials.current(sessionId, provider);
    if (!held) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `No login to ${manifest.title} is held.`);
    const { files } = await runtime.ledger.read(sessionId, provider);
    await runtime.store.users.ensure(userId, externalId);
    const verdict = await storeCredential(runtime, {
      userId,
      provider,
      files: files.reveal(),
      reason: 'login',
      isUnchecked: held.lastVerified === null,
      beforeStore: async (summary) => {
        const { kind } = summary.facts;
        await checkExclusion(runtime.store, { userId, provider, title: manifest.title, kind, replace });
        await runtime.hooks.credentialCaptured(summary, { userId, provider, sessionId, signal: runtime.closing });
      },
    });
    if (verdict.outcome === 'refused') throw notStored(verdict);
    const { version } = verdict;
    runtime.emit({ type: 'login.completed', userId, sessionId, provider, version });
    await discard(session);
    return version;
  }

  return {
    claim: (session, options) => runtime.userGate.enter(session.userId, () => claim(session, options)),
    discard,
  };
}
