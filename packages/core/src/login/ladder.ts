import { SallyportError } from '../errors.ts';
import type { DriverFeatures } from '../machine/driver.ts';
import type { LoginDisplay } from '../protocol/agent-api.ts';
import type { LoginMethod } from '../provider/login-method.ts';

export interface LadderRequest {
  readonly methods: readonly LoginMethod[];
  /** A method's id, or `id:display` for one particular display, as the API takes it. */
  readonly request?: string | undefined;
  readonly prefer: 'desktop' | 'least-intrusive';
  readonly features: DriverFeatures;
}

/** One way to log in that works here. */
export interface Candidate {
  readonly method: LoginMethod;
  readonly display: LoginDisplay;
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
export function rankMethods({ methods, request, prefer, features }: LadderRequest): Ladder {
  const all = order[prefer].flatMap((rung) =>
    methods.flatMap((method) => {
      const display = displaysOf(method).find((item) => rung === `${method.kind}:${item}`);
      return display ? [{ method, display, reason: obstacle(method, display, features) }] : [];
    }),
  );
  const works: Candidate[] = [];
  const unavailable: UnavailableCandidate[] = [];
  for (const { method, display, reason } of all) {
    if (reason === undefined) works.push({ method, display });
    else unavailable.push({ method, display, reason });
  }
  if (request === undefined) return { candidates: works, unavailable };
  const candidates = works.filter((candidate) => isNamed(candidate, request));
  if (candidates.length === 0) throw notAvailable(request, works, unavailable);
  return { candidates, unavailable };
}

/** How the API names a candidate: `browser:local`, `device-code`. */
export function candidateName({ method, display }: Candidate): string {
  return display === 'none' ? method.id : `${method.id}:${display}`;
}

function displaysOf(method: LoginMethod): readonly LoginDisplay[] {
  return method.kind === 'loopback-callback' ? ['desktop', 'local'] : ['none'];
}

function obstacle(method: LoginMethod, display: LoginDisplay, features: DriverFeatures): string | undefined {
  if (method.kind === 'import') return 'It needs no login: send the credential with POST /api/credentials/:provider.';
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
