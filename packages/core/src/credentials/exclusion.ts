import { SallyportError } from '../base/errors.ts';
import type { Store } from '../contracts/store.ts';
import type { CredentialFacts } from '../contracts/credential-files.ts';

type Kind = CredentialFacts['kind'];

/**
 * A plan login and an API key of one provider exclude each other: with both in its reach, a CLI would choose by
 * itself which one pays. Throws `CREDENTIAL_EXCLUDED` where one of the other kind is stored and works, unless the
 * user has said that it is to be replaced.
 */
export async function checkExclusion(
  store: Pick<Store, 'credentials'>,
  next: {
    readonly userId: string;
    readonly provider: string;
    readonly title: string;
    readonly kind: Kind;
    readonly replace: boolean;
  },
): Promise<void> {
  const { userId, provider, title, kind, replace } = next;
  if (replace) return;
  const stored = await store.credentials.current(userId, provider);
  if (!stored?.valid || stored.facts.kind === kind) return;
  throw new SallyportError(
    'CREDENTIAL_EXCLUDED',
    `${title} is connected with ${names[stored.facts.kind]}, which ${names[kind]} would replace.`,
    { details: { connected: stored.facts.kind, offered: kind } },
  );
}

const names: Readonly<Record<Kind, string>> = { plan: 'a plan login', 'api-key': 'an API key' };
