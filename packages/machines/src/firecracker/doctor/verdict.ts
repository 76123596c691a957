import type { Check } from '@sallyport/core/driver';

/** What was found of one thing, and what to do where that is not well. `missing`: machines cannot run without it. */
export type Finding =
  | { readonly ok: string }
  | { readonly degraded: string; readonly fix: string }
  | { readonly missing: string; readonly fix: string };

export function verdict(name: string, finding: Finding): Check {
  if ('ok' in finding) {
    return { name, state: 'ok', found: finding.ok };
  }
  const { fix } = finding;
  return 'missing' in finding
    ? { name, state: 'missing', found: finding.missing, fix }
    : { name, state: 'degraded', found: finding.degraded, fix };
}
