import { callbackHosts } from '../base/loopback.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';
import type { LoginMethod } from '../provider/login-method.ts';

export type UrlVerdict =
  | { readonly ok: true; readonly url: GuardedUrl }
  /** The reason is safe to show: it repeats at most the host. */
  | { readonly ok: false; readonly reason: string };

type UrlRule = NonNullable<LoginMethod['url']>;

const LONGEST_URL = 8192;

/**
 * Decides whether a link that a CLI printed, or handed to its browser command, is a sign-in page of its vendor.
 * A link counts only where its raw text and its parsed form agree: everything that browsers, users and parsers
 * may read differently is refused, not repaired.
 */
export function guardUrl(raw: string, rule: UrlRule, callback: LoginMethod['callback']): UrlVerdict {
  const written = checkText(raw);
  if (written !== undefined) return refuse(written);
  const url = URL.parse(raw);
  if (!url) return refuse('it is not a URL');
  const problem = checkHost(raw, url, rule) ?? checkPath(raw, url, rule) ?? checkParameters(url, rule);
  if (problem !== undefined) return refuse(problem);
  const redirect = callback && checkRedirect(url.searchParams.get('redirect_uri'), callback);
  if (typeof redirect === 'string') return refuse(redirect);
  const state = url.searchParams.get('state') ?? undefined;
  return { ok: true, url: { href: url.href, host: url.hostname, state, callback: redirect } };
}

function refuse(reason: string): UrlVerdict {
  return { ok: false, reason };
}

/** Characters of RFC 3986 only: no white space, control, backslash, bidirectional or other non-ASCII ones. */
function checkText(raw: string): string | undefined {
  if (raw.length > LONGEST_URL) return `it is longer than ${LONGEST_URL} characters`;
  if (!/^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/.test(raw)) return 'it contains a character that no URL may contain';
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return 'it contains a broken percent-encoding';
  // WHATWG would repair `https:host` and `https:///host`.
  if (!/^https:\/\/[^/]/.test(raw)) return 'it does not start with https:// and a host';
  return undefined;
}

function checkHost(raw: string, url: URL, rule: UrlRule): string | undefined {
  const [authority = ''] = raw.slice('https://'.length).split(/[/?#]/, 1);
  if (authority.includes('@')) return 'it contains a user name or password';
  if (url.port !== '') return `it uses port ${url.port}`;
  // The parser decodes `%2e`, expands `0x7f.1` and lowers the case; a genuine link needs none of it.
  if (authority.replace(/:443$/, '') !== url.hostname) return 'its host is not written plainly';
  if (!rule.hosts.includes(url.hostname)) {
    return `its host is ${url.hostname}, which is not ${rule.hosts.join(' or ')}`;
  }
  return undefined;
}

function checkPath(raw: string, url: URL, rule: UrlRule): string | undefined {
  if (raw.includes('#')) return 'it contains a fragment';
  const path = /^https:\/\/[^/?#]*([^?#]*)/.exec(raw)?.[1] ?? '';
  if (path !== url.pathname || path.includes('//')) return 'its path is not written plainly';
  if (/%(2e|2f|5c|[01][0-9a-f]|7f)/i.test(path)) return 'its path hides a dot, a slash or a control character';
  const covered = rule.pathPrefixes.some((prefix) => {
    const base = prefix.replace(/\/$/, '');
    return path === base || path.startsWith(`${base}/`);
  });
  return covered ? undefined : 'its path is not a sign-in path';
}

function checkParameters(url: URL, rule: UrlRule): string | undefined {
  const names = [...url.searchParams.keys()];
  // RFC 6749 §3.1: no parameter more than once. Servers differ in which of two they take.
  if (new Set(names).size !== names.length) return 'it contains a parameter twice';
  if ([...url.searchParams].flat().some((text) => /[\p{Cc}\p{Bidi_Control}\ufffd]/u.test(text))) {
    return 'a parameter contains a control character or broken text';
  }
  for (const required of rule.require) {
    const separator = required.indexOf('=');
    const name = separator < 0 ? required : required.slice(0, separator);
    const value = url.searchParams.get(name);
    if (value === null || value === '') return `the parameter ${name} is missing`;
    if (separator >= 0 && value !== required.slice(separator + 1)) return `the parameter ${name} has another value`;
  }
  return undefined;
}

/** RFC 8252 §7.3: a loopback address of the machine itself, plain HTTP. A string is the problem. */
function checkRedirect(
  redirect: string | null,
  callback: NonNullable<LoginMethod['callback']>,
): { readonly port: number; readonly path: string } | string {
  if (redirect === null) return 'the parameter redirect_uri is missing';
  const [, host = '', digits, path] = /^http:\/\/([\w.-]+|\[[\w:.]+\]):([1-9]\d{3,4})(\/[^?#]*)$/.exec(redirect) ?? [];
  if (!callbackHosts.includes(host.toLowerCase()) || digits === undefined || path === undefined)
    return 'redirect_uri is not a plain loopback address';
  const port = Number(digits);
  if (callback.ports.length > 0 ? !callback.ports.includes(port) : port < 1024 || port > 65_535) {
    return `redirect_uri uses port ${port}`;
  }
  if (path !== callback.path) return 'redirect_uri has another path';
  return { port, path };
}
