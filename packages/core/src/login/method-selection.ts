import { SallyportError } from '../base/errors.ts';
import type { DriverFeatures } from '../contracts/driver.ts';
import type { LoginDisplay } from '../protocol/agent-api.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { needsOfKind } from '../provider/login-method.ts';
import type { LoginMethod, LoginNeed } from '../provider/login-method.ts';
import { handOvers } from '../provider/manual-entry.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';

export interface LadderRequest {
  readonly methods: readonly LoginMethod[];
  /** Those a person can hand over are ways to connect too. */
  readonly credentials: readonly CredentialItem[];
  /** A method's id, or `id:display` for one particular display, as the API takes it. */
  readonly request?: string | undefined;
  readonly prefer: 'desktop' | 'least-intrusive';
  readonly features: DriverFeatures;
}

/** One way to log in that works here. */
export interface Candidate {
  readonly method: OfferedMethod;
  readonly display: LoginDisplay;
  /** What the person needs for it. */
  readonly needs: readonly LoginNeed[];
  /** Ids of the credential items it brings. */
  readonly gives: readonly string[];
}

export interface UnavailableCandidate extends Candidate {
  /** One sentence for the person. */
  readonly reason: string;
}

export interface Ladder {
  /** Best first. */
  readonly candidates: readonly Candidate[];
  readonly unavailable: readonly UnavailableCandidate[];
}

type Rung = `${LoginMethod['kind']}:${LoginDisplay}`;

const order: Readonly<Record<LadderRequest['prefer'], readonly Rung[]>> = {
  desktop: [
    'loopback-callback:desktop',
    'loopback-callback:local',
    'device-code:none',
    'paste-code:none',
    'api-key:none',
    'import:none',
  ],
  'least-intrusive': [
    'device-code:none',
    'paste-code:none',
    'loopback-callback:local',
    'loopback-callback:desktop',
    'api-key:none',
    'import:none',
  ],
};

/**
 * Puts the ways to log in into the order in which they are tried. A request narrows the choice; where nothing
 * it names works here it is an error, never a silent change to something else.
 */
export function rankMethods(asked: LadderRequest): Ladder {
  const { request, prefer, features } = asked;
  const all = waysOf(asked).toSorted(
    (left, right) => order[prefer].indexOf(rungOf(left)) - order[prefer].indexOf(rungOf(right)),
  );
  const works: Candidate[] = [];
  const unavailable: UnavailableCandidate[] = [];
  for (const candidate of all) {
    const reason = obstacle(candidate, features);
    if (reason === undefined) works.push(candidate);
    else unavailable.push({ ...candidate, reason });
  }
  if (request === undefined) return { candidates: works, unavailable };
  const candidates = works.filter((candidate) => isNamed(candidate, request));
  if (candidates.length === 0) throw notAvailable(request, works, unavailable);
  return { candidates, unavailable };
}

/**
 * Those that are tried without having been asked for. A key is never the next thing after a plan login that failed:
 * what it is used for is billed.
 */
export function tryByThemselves(candidates: readonly Candidate[]): readonly Candidate[] {
  const keyless = candidates.filter(({ needs }) => !needs.includes('key'));
  return keyless.length > 0 ? keyless : candidates;
}

/** How the API names a candidate: `browser:local`, `device-code`. */
export function candidateName({ method, display }: Pick<Candidate, 'method' | 'display'>): string {
  return display === 'none' ? method.id : `${method.id}:${display}`;
}

function waysOf({ methods, credentials }: LadderRequest): readonly Candidate[] {
  const files = credentials.flatMap((item) => (item.as === 'file' ? [item.id] : []));
  const driven = methods.flatMap((method): Candidate[] => {
    const needs = method.needs ?? needsOfKind[method.kind];
    const gives = method.gives ?? files;
    if (method.kind !== 'loopback-callback') return [{ method, display: 'none', needs, gives }];
    return needs.flatMap((need): Candidate[] => {
      const display = need === 'desktop' ? 'desktop' : need === 'own-browser' ? 'local' : undefined;
      return display ? [{ method, display, needs: [need], gives }] : [];
    });
  });
  const handedOver = handOvers(credentials).map((method): Candidate => {
    return { method, display: 'none', needs: needsOfKind[method.kind], gives: [method.item.id] };
  });
  return [...driven, ...handedOver];
}

function rungOf({ method, display }: Candidate): Rung {
  return `${method.kind}:${display}`;
}

function obstacle({ method, display }: Candidate, features: DriverFeatures): string | undefined {
  if (method.kind === 'import' && !('item' in method)) {
    return 'It needs no login: send the credential with POST /api/credentials/:provider.';
  }
  if (display === 'desktop' && !features.desktop) {
    return features.desktopHint ?? 'The machines of this deployment have no desktop.';
  }
  if (display === 'local' && features.loopback === 'none') {
    return "Your own browser cannot reach the CLI's callback port in this deployment.";
  }
  return undefined;
}

function isNamed(candidate: Candidate, request: string): boolean {
  return candidate.method.id === request || candidateName(candidate) === request;
}

function notAvailable(
  request: string,
  works: readonly Candidate[],
  unavailable: readonly UnavailableCandidate[],
): SallyportError {
  const reason = unavailable.find((candidate) => isNamed(candidate, request))?.reason;
  const available = works.map(candidateName);
  const list = available.length > 0 ? `Available here: ${available.join(', ')}.` : 'No other method works here either.';
  const why = reason ?? 'This provider has no such method.';
  return new SallyportError('LOGIN_METHOD_UNAVAILABLE', `The login method ${request} cannot be used. ${why} ${list}`, {
    details: {
      available,
      unavailable: unavailable.map((candidate) => ({ method: candidateName(candidate), reason: candidate.reason })),
    },
  });
}
