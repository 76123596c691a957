import type { ProviderManifest } from './manifest.ts';

/** Who the users are that a server connects: its operator alone, their own organisation, or customers. */
export type DeploymentKind = ProviderManifest['terms']['deployments'][number];

/** What the operator says about the vendors' terms. */
export interface ProviderPolicy {
  readonly deployment: DeploymentKind;
  /** Ids of the providers whose terms the operator has read, and found to allow this deployment. */
  readonly acceptedTerms: readonly string[];
}

/**
 * Why a provider is off until the operator turns it on, or `undefined` where it is on. Only the operator can
 * tell whether a vendor allows what they are doing, so a manifest that does not say so switches nothing on.
 */
export function withheldBecause(
  { id, title, terms }: Pick<ProviderManifest, 'id' | 'title' | 'terms'>,
  { deployment, acceptedTerms }: ProviderPolicy,
): string | undefined {
  if (terms.deployments.includes(deployment) || acceptedTerms.includes(id)) return undefined;
  const found = terms.reviewed === null ? 'nobody has read its terms for that' : 'its terms were not found to allow it';
  return `${title} is off in a deployment of kind ${deployment}: ${found}.`;
}
