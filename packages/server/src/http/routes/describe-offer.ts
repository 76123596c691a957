import { consentOf } from '@sallyport/core';
import type { Sallyport } from '@sallyport/core';
import type { linkPageSchema } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import type { z } from 'zod';

import { describeChoice } from './describe-login.ts';

/** What a provider offers to every user: how to log in to it, and what to know before. */
export function describeOffer(
  { logins, gate }: Pick<Sallyport, 'logins' | 'gate'>,
  { manifest }: Pick<Provider, 'manifest'>,
): z.infer<typeof linkPageSchema>['providers'][number] {
  const { choices, unavailable } = logins.selection(manifest.id);
  const refusal = gate.closed(manifest.id);
  return {
    id: manifest.id,
    title: manifest.title,
    methods: choices.map(describeChoice),
    unavailable: unavailable.map(({ method: { id, title }, reason }) => ({ id, title, reason })),
    terms: manifest.terms.url,
    consent: consentOf(manifest),
    disabled: refusal ? { reason: refusal.message, hint: refusal.hint } : null,
  };
}
