import { SallyportError } from '../base/errors.ts';
import type { DriverFeatures } from '../contracts/driver.ts';
import type { LoginDisplay } from '../protocol/agent-api.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { needsOfKind } from '../provider/login-method.ts';
import type { LoginMethod, LoginNeed } from '../provider/login-method.ts';
import { manualEntries } from '../provider/manual-entry.ts';
import type { OfferedMethod } from '../provider/manual-entry.ts';

export interface MethodSelectionRequest {
  readonly methods: readonly LoginMethod[];
  /** Those a user can hand over are ways to connect too. */
  readonly credentials: readonly CredentialItem[];
  /** A method's id, or `id:display` for one particular display, as the API takes it. */
  readonly request?: string | undefined;
  readonly prefer: 'desktop' | 'least-intrusive';
  readonly features: DriverFeatures;
}

/** One way to log in that works here. */
export interface MethodChoice {
  readonly method: OfferedMethod;
  readonly display: LoginDisplay;
  /** What the user needs for it. */
  readonly needs: readonly LoginNeed[];
  /** Ids of the credential items it brings. */
  readonly gives: readonly string[];
}

export interface UnavailableMethod extends MethodChoice {
  /** One sentence for the user. */
  readonly reason: string;
}

export interface MethodSelection {
  /** Best first. */
  readonly choices: readonly MethodChoice[];
  readonly unavailable: readonly UnavailableMethod[];
}

type MethodKey = `${LoginMethod['kind']}:${LoginDisplay}`;

const order: Readonly<Record<MethodSelectionRequest['prefer'], readonly MethodKey[]>> = {
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
export function rankMethods(asked: MethodSelectionRequest): MethodSelection {
  const { request, prefer, features } = asked;
  const all = everyChoice(asked).toSorted(
    (left, right) => order[prefer].indexOf(methodKeyOf(left)) - order[prefer].indexOf(methodKeyOf(right)),
  );
  const works: MethodChoice[] = [];
  const unavailable: UnavailableMethod[] = [];
  for (const choice of all) {
    const reason = obstacle(choice, features);
    if (reason === undefined) works.push(choice);
    else unavailable.push({ ...choice, reason });
  }
  if (request === undefined) return { choices: works, unavailable };
  const choices = works.filter((choice) => isNamed(choice, request));
  if (choices.length === 0) throw notAvailable(request, works, unavailable);
  return { choices, unavailable };
}

/**
 * Those that are tried without having been asked for. A key is never the next thing after a plan login that failed:
 * what it is used for is billed.
 */
export function automaticChoices(choices: readonly MethodChoice[]): readonly MethodChoice[] {
  const keyless = choices.filter(({ needs }) => !needs.includes('key'));
  return keyless.length > 0 ? keyless : choices;
}

/** How the API names a choice: `browser:local`, `device-code`. */
export function methodName({ method, display }: Pick<MethodChoice, 'method' | 'display'>): string {
  return display === 'none' ? method.id : `${method.id}:${display}`;
}

function everyChoice({ methods, credentials }: MethodSelectionRequest): readonly MethodChoice[] {
  const files = credentials.flatMap((item) => (item.as === 'file' ? [item.id] : []));
  const driven = methods.flatMap((method): MethodChoice[] => {
    const needs = method.needs ?? needsOfKind[method.kind];
    const gives = method.gives ?? files;
    if (method.kind !== 'loopback-callback') return [{ method, display: 'none', needs, gives }];
    return needs.flatMap((need): MethodChoice[] => {
      const display = need === 'desktop' ? 'desktop' : need === 'own-browser' ? 'local' : undefined;
      return display ? [{ method, display, needs: [need], gives }] : [];
    });
  });
  const entered = manualEntries(credentials).map((method): MethodChoice => {
    return { method, display: 'none', needs: needsOfKind[method.kind], gives: [method.item.id] };
  });
  return [...driven, ...entered];
}

function methodKeyOf({ method, display }: MethodChoice): MethodKey {
  return `${method.kind}:${display}`;
}

function obstacle({ method, display }: MethodChoice, features: DriverFeatures): string | undefined {
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

function isNamed(choice: MethodChoice, request: string): boolean {
  return choice.method.id === request || methodName(choice) === request;
}

function notAvailable(
  request: string,
  works: readonly MethodChoice[],
  unavailable: readonly UnavailableMethod[],
): SallyportError {
  const reason = unavailable.find((choice) => isNamed(choice, request))?.reason;
  const available = works.map(methodName);
  const list = available.length > 0 ? `Available here: ${available.join(', ')}.` : 'No other method works here either.';
  const why = reason ?? 'This provider has no such method.';
  return new SallyportError('LOGIN_METHOD_UNAVAILABLE', `The login method ${request} cannot be used. ${why} ${list}`, {
    details: {
      available,
      unavailable: unavailable.map((choice) => ({ method: methodName(choice), reason: choice.reason })),
    },
  });
}
