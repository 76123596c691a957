import { createHash, timingSafeEqual } from 'node:crypto';

/** What is known of the callback that a login waits for. All of it comes from the guarded link. */
export interface ExpectedCallback {
  /** `state` of the link; without one no callback can be told from a forged one (RFC 9700 §4.7). */
  readonly state: string | undefined;
  /** Path of the link's loopback redirect. The port is the caller's business; neither comes from the request. */
  readonly path: string;
  /** True once a callback was relayed. */
  readonly used: boolean;
  /** The authorisation server's name, where it is known to send one (RFC 9207). */
  readonly issuer?: string;
}

export type CallbackVerdict =
  /** `target` is what to GET from the CLI's own loopback port: path and query, rebuilt from parsed parts. */
  | { readonly ok: true; readonly target: string; readonly outcome: 'code' }
  /** The sign-in page answered with this error code (RFC 6749 §4.1.2.1) instead. The vendor chose it: not safe to show. */
  | { readonly ok: true; readonly target: string; readonly outcome: 'error'; readonly error: string }
  /** The reason is safe to show and to log. */
  | { readonly ok: false; readonly reason: string };

const LONGEST_QUERY = 8192;

/** Answer parameters of RFC 6749 §4.1.2, RFC 9207, OpenID Connect, and those Google adds. Others are dropped. */
const known = [
  'code',
  'state',
  'error',
  'error_description',
  'error_uri',
  'scope',
  'iss',
  'session_state',
  'authuser',
  'hd',
  'prompt',
];

/** Decides whether a callback may be handed to the CLI. */
export function checkCallback(query: URLSearchParams, expected: ExpectedCallback): CallbackVerdict {
  if (expected.used) return refuse('this sign-in has already had its callback');
  if (query.toString().length > LONGEST_QUERY) return refuse(`its parameters exceed ${LONGEST_QUERY} bytes`);
  const repeated = known.find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) return refuse(`the parameter ${repeated} occurs twice`);
  const state = query.get('state');
  if (expected.state === undefined || expected.state === '') return refuse('the sign-in link carried no state');
  if (state === null || !equalInConstantTime(state, expected.state))
    return refuse('its state is not that of this sign-in');
  const issuer = query.get('iss');
  if (expected.issuer !== undefined && issuer !== null && issuer !== expected.issuer) {
    return refuse('it comes from another authorisation server');
  }
  const code = query.get('code');
  const error = query.get('error');
  if ((code === null || code === '') === (error === null || error === '')) {
    return refuse('it carries neither a code nor an error, or both');
  }
  const target = `${expected.path}?${rebuild(query).toString()}`;
  return error ? { ok: true, target, outcome: 'error', error } : { ok: true, target, outcome: 'code' };
}

function refuse(reason: string): CallbackVerdict {
  return { ok: false, reason };
}

/** Only known parameters, without control characters: nothing of the request's own text goes on. */
function rebuild(query: URLSearchParams): URLSearchParams {
  const rebuilt = new URLSearchParams();
  for (const name of known) {
    const value = query.get(name)?.replace(/\p{Cc}/gu, '');
    if (value) rebuilt.set(name, value);
  }
  return rebuilt;
}

/** Hashing makes the lengths equal, which `timingSafeEqual` demands. */
function equalInConstantTime(left: string, right: string): boolean {
  return timingSafeEqual(digest(left), digest(right));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
