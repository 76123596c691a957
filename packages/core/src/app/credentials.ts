import { SallyportError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { VendorRevoked } from '../cli-machine/run-logout.ts';
import { recordFailure } from '../runtime/record-failure.ts';
import { storeCredential } from '../runtime/store-credential.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkImport } from '../credentials/check-import.ts';
import { checkExclusion } from '../credentials/exclusion.ts';
import { endsSoon } from './expiry.ts';
import { invalidReasons } from '../contracts/credential-files.ts';
import type { CredentialFacts, CredentialFiles } from '../contracts/credential-files.ts';

/** A connected credential as the user and the API see it, without its bytes. */
export interface ConnectedCredential {
  readonly provider: string;
  readonly version: number;
  /** False: the provider refused it, and the user has to log in again. */
  readonly valid: boolean;
  /** One sentence for the user about why it is not valid; `null` if it is. */
  readonly problem: string | null;
  /** The credential expires within three days. */
  readonly endsSoon: boolean;
  readonly facts: CredentialFacts;
  readonly lastVerified: Date | null;
  readonly updatedAt: Date;
}

export interface ImportedCredential {
  readonly userId: string;
  readonly externalId: string | null;
  readonly provider: string;
  readonly files: CredentialFiles;
  /** Whether a plan login may replace an API key, or the other way round. Default false. */
  readonly replace?: boolean | undefined;
}

export interface Credentials {
  list(userId: string): Promise<readonly ConnectedCredential[]>;
  /**
   * Stores a credential obtained elsewhere. It goes through the same checks as one captured here. Throws
   * `CREDENTIAL_MALFORMED` for unknown parts and for anything but a complete credential, and says what is expected.
   */
  import(request: ImportedCredential): Promise<{ readonly version: number }>;
  /**
   * Ends the provider's prompts, tries for up to 30 s to have the CLI log out at its vendor, then deletes the credential,
   * the provider's home on the user's machine, and the history of logins and prompts with this provider. `~/work` and
   * other providers stay.
   */
  disconnect(userId: string, provider: string): Promise<Disconnected>;
}

export interface Disconnected {
  /**
   * Whether the vendor has revoked the login's tokens. `'unknown'`: the CLI logged out without an error but does not say
   * whether its vendor was reached. `false`: there is no evidence, because the CLI cannot log out, did not start, failed
   * or took too long.
   */
  readonly vendorRevoked: VendorRevoked;
}

export function createCredentials(
  runtime: Runtime,
  machines: CliMachines,
  prompts: Pick<Prompts, 'endOf'>,
): Credentials {
  async function importFiles({
    userId,
    externalId,
    provider: name,
    files: sent,
    replace = false,
  }: ImportedCredential): Promise<{ readonly version: number }> {
    const known = runtime.registry.get(name);
    const { id: provider, title } = known.manifest;
    runtime.gate.check(provider);
    const files = checkImport(known, sent);
    await runtime.store.users.ensure(userId, externalId);
    const failed = (code: ErrorCode) => ({ type: 'credential.import-failed', userId, provider, code }) as const;
    const verdict = await recordFailure(runtime, failed, () =>
      storeCredential(runtime, {
        userId,
        provider,
        files,
        reason: 'import',
        beforeStore: async (summary) => {
          const { kind } = summary.facts;
          await checkExclusion(runtime.store, { userId, provider, title, kind, replace });
          const context = { userId, provider, sessionId: undefined, signal: runtime.closing };
          await runtime.hooks.credentialCaptured(summary, context);
        },
      }),
    );
    if (verdict.outcome === 'refused') {
      // What is not complete was refused above: only an older one is left.
      throw new SallyportError('CREDENTIAL_STALE', `The credential was not stored: ${verdict.problem}.`, {
        hint: 'Send the newest file of the CLI, or log in again.',
      });
    }
    return { version: verdict.version };
  }

  async function disconnect(userId: string, provider: string, title: string): Promise<VendorRevoked> {
    let erased = false;
    const erase = async (): Promise<void> => {
      // Another request may have been first.
      if (!(await runtime.store.credentials.current(userId, provider))) return;
      const { audit, announce } = runtime.noteEvent({ type: 'credential.erased', userId, provider });
      await runtime.ledger.erase(userId, provider, audit);
      erased = true;
      announce();
    };
    const failed = (code: ErrorCode) =>
      erased ? undefined : ({ type: 'credential.erase-failed', userId, provider, code } as const);
    return recordFailure(runtime, failed, async () => {
      const reason = (): SallyportError =>
        new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} was disconnected while this prompt ran.`);
      await prompts.endOf(userId, provider, reason);
      const vendorRevoked = await machines.forget(userId, provider, erase);
      // One that began meanwhile.
      await prompts.endOf(userId, provider, reason);
      await runtime.store.history.erase(userId, provider);
      return vendorRevoked;
    });
  }

  return {
    list: async (userId) => {
      const records = await runtime.store.credentials.list(userId);
      return records.map(({ provider, version, valid, invalidReason, facts, lastVerified, updatedAt }) => ({
        provider,
        version,
        valid,
        problem: invalidReason && invalidReasons[invalidReason],
        endsSoon: endsSoon(facts.loginExpiresAt, runtime.clock.now()),
        facts,
        lastVerified,
        updatedAt,
      }));
    },
    import: (request) => runtime.userGate.enter(request.userId, () => importFiles(request)),
    disconnect: async (userId, name) => {
      const { id, title } = runtime.registry.get(name).manifest;
      if (!(await runtime.store.credentials.current(userId, id)))
        throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} is not connected.`, {
          hint: 'There is nothing to disconnect.',
        });
      return { vendorRevoked: await disconnect(userId, id, title) };
    },
  };
}
