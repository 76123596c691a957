/** What a checked authorization link asks for (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  /** Absent where the link brings none; the provider decides whether it has to. */
  readonly challenge: string | undefined;
  readonly state: string;
  readonly scope: string;
}

export type CheckedLink = { readonly request: AuthorizationRequest } | { readonly problem: string };

/** A condition, and what to say where it does not hold. */
export type LinkRule = readonly [holds: boolean, problem: string];

/** Checks a link as strictly as a real provider, and says in words what is wrong with it. */
export function checkLink(
  parameters: URLSearchParams,
  rulesOf: (get: (name: string) => string) => readonly LinkRule[],
): CheckedLink {
  const repeated = [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);
  if (repeated !== undefined) return { problem: `${repeated} is given more than once.` };
  const get = (name: string): string => parameters.get(name) ?? '';
  const challenge = parameters.get('code_challenge') ?? undefined;
  const rules: readonly LinkRule[] = [
    [get('response_type') !== '', 'response_type is missing.'],
    [get('response_type') === 'code', 'response_type must be code.'],
    [get('state').length >= 16, 'state is missing or too short.'],
    [
      challenge === undefined || /^[A-Za-z0-9_-]{43}$/.test(challenge),
      'code_challenge must be a SHA-256 in base64url.',
    ],
    [(challenge !== undefined) === (get('code_challenge_method') === 'S256'), 'code_challenge_method must be S256.'],
    ...rulesOf(get),
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) return { problem: broken[1] };
  return { request: { redirectUri: get('redirect_uri'), challenge, state: get('state'), scope: get('scope') } };
}
