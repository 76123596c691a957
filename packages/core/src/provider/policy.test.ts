import { describe, expect, it } from 'vitest';

import { withheldBecause } from './policy.ts';

const manifest = (deployments: readonly ('self-hosted' | 'internal' | 'hosted')[], reviewed: string | null = null) => ({
  id: 'acme',
  title: 'Acme',
  terms: { url: 'https://acme.example/terms', reviewed, deployments: [...deployments] },
});

describe('the policy for providers', () => {
  it('turns on what the manifest lists for this kind of deployment, and nothing else', () => {
    const policy = { deployment: 'hosted', acceptedTerms: [] } as const;
    expect(withheldBecause(manifest(['self-hosted', 'hosted']), policy)).toBeUndefined();
    expect(withheldBecause(manifest(['self-hosted']), policy)).toBe(
      'Acme is off in a deployment of kind hosted: nobody has read its terms for that.',
    );
    expect(withheldBecause(manifest([], '2026-11-01'), policy)).toContain('its terms were not found to allow it');
  });

  it('leaves the last word to the operator, provider by provider', () => {
    expect(withheldBecause(manifest([]), { deployment: 'hosted', acceptedTerms: ['acme'] })).toBeUndefined();
    expect(withheldBecause(manifest([]), { deployment: 'hosted', acceptedTerms: ['other'] })).toBeDefined();
  });
});
