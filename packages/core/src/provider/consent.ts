import { digest } from '../base/digest.ts';
import type { ProviderManifest } from './manifest.ts';

/** What a user is told before they connect a provider. */
export interface Consent {
  /** Changes with the text, so that it can be recorded which one a user saw. */
  readonly id: string;
  readonly text: string;
}

/** The provider's own sentence, where its manifest has one, comes last. */
export function consentOf({ title, terms }: Pick<ProviderManifest, 'title' | 'terms'>): Consent {
  const text = [
    `This server runs the vendor's own, unmodified ${title} for you, on a machine that nobody else uses.`,
    "You sign in with your own account, and the vendor's terms apply to you.",
    'The login is stored here, encrypted, so that your prompts can use it; disconnecting erases it.',
    ...(terms.consent === undefined ? [] : [terms.consent]),
  ].join(' ');
  return { id: digest(`${terms.url}\n${text}`), text };
}
