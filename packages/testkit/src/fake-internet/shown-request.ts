import type { IncomingHttpHeaders } from 'node:http';

import { tryParseJson } from '@sallyport/core/driver';
import { isNamedSecret, namedValuesIn } from '@sallyport/core/engine';

import type { SecretNames } from './secret-names.ts';

/** What a CLI sent and why it was refused, for its author to read: secrets stand there as `[secret 1]`, the same one with the same number. */
export interface ShownRequest {
  readonly query: string;
  /** By lower-case name; several of one name are joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Without its content encoding; the first 16 KiB. */
  readonly body: string;
  /** Body of an answer of status 400 or more; the first 16 KiB. Absent for others, and until there is one. */
  readonly answer?: string | undefined;
}

export interface SentRequest {
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const LONGEST_SHOWN = 16 * 1024;
/** A longer body is not parsed, but read as text up to what is shown of it. */
const LONGEST_PARSED = 1024 * 1024;

/** Fields of OAuth that open an account by themselves or with another one (RFC 6749, 7636, 8628). */
const oauthSecret = /^(code|state|nonce|code_verifier|code_challenge|device_code|user_code)$/i;
/** Names a program to the vendor, and is not a secret (RFC 6749 §2.2), however random it looks. */
const publicName = /^client_id$/i;
/** Names that say `token` and hold none. */
const harmless = /^(token_type|grant_type|token_type_hint|max_tokens|.*_tokens)$/i;

/** Replaces what is secret in a request. */
export function showRequest({ query, headers, body }: SentRequest, secrets: SecretNames): ShownRequest {
  const shownQuery = hideForm(query, secrets);
  const shown = Object.entries(headers).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    return [name, hideHeader(name, text, secrets)] as const;
  });
  return {
    query: shownQuery,
    headers: Object.fromEntries(shown),
    body: hideSent(headers['content-type'] ?? '', body, secrets),
  };
}

function hideSent(type: string, body: string, secrets: SecretNames): string {
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return shortened(hideForm(body, secrets));
  const [, quoted, plain] = /^multipart\/form-data\b.*;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  return boundary === undefined ? hideBody(body, secrets) : shortened(hideParts(body, boundary, secrets));
}

/** Replaces what is secret in the body of an answer. */
export function showAnswer(body: string, secrets: SecretNames): string {
  return hideBody(body, secrets);
}

function hideHeader(name: string, text: string, secrets: SecretNames): string {
  if (/^(proxy-)?authorization$/.test(name)) {
    const [, scheme = '', value = ''] = /^(\S+ +)?(.*)$/s.exec(text) ?? [];
    return scheme + secrets.nameOf(value);
  }
  return isSecret(name, text) || name.endsWith('key') ? secrets.nameOf(text) : hideInside(text, secrets);
}

/** Each value by itself, as the CLI wrote it unless it is secret. */
function hideForm(form: string, secrets: SecretNames): string {
  if (form === '') return '';
  return form
    .split('&')
    .map((field) => {
      const [[name, value] = ['', '']] = [...new URLSearchParams(field)];
      const hidden = hideValue(name, value, secrets);
      return hidden === value ? field : `${field.split('=', 1)[0]}=${hidden}`;
    })
    .join('&');
}

/** RFC 7578: each part has its own headers, an empty line and a value. */
function hideParts(body: string, boundary: string, secrets: SecretNames): string {
  return body
    .split(`--${boundary}`)
    .map((part) => {
      const [, head, value = '', end = ''] = /^(\r?\n[^]*?\r?\n\r?\n)([^]*?)(\r?\n)?$/.exec(part) ?? [];
      if (head === undefined) return secrets.hideIn(part);
      const name = /;\s*name="?([^";\r\n]*)/i.exec(head)?.[1] ?? '';
      return secrets.hideIn(head) + hideValue(name, value, secrets) + end;
    })
    .join(`--${boundary}`);
}

function hideBody(body: string, secrets: SecretNames): string {
  const json = body.length <= LONGEST_PARSED ? tryParseJson(body) : undefined;
  if (typeof json === 'object' && json !== null) return shortened(JSON.stringify(hideJson(json, '', secrets)));
  // A secret that is cut in two would be known by neither half.
  const text = body.length > LONGEST_SHOWN ? body.slice(0, LONGEST_SHOWN).replace(/\S{0,8192}$/, '') : body;
  return hideNamed(text, 1, secrets) + (body.length > LONGEST_SHOWN ? noteOf(body.length) : '');
}

/** Hides values that the text itself names, of at least so many characters. The longest first: it may hold another one. */
function hideNamed(text: string, shortest: number, secrets: SecretNames): string {
  const named = namedValuesIn(text)
    .filter(({ name, value }) => value.length >= shortest && isSecret(name, value))
    .map(({ value }) => value)
    .toSorted((a, b) => b.length - a.length);
  return secrets.hideIn(named.reduce((rest, value) => rest.replaceAll(value, () => secrets.nameOf(value)), text));
}

/** A value may hold a text in another format, such as JSON or a URL. */
function hideInside(value: string, secrets: SecretNames): string {
  const json = /^\s*[[{]/.test(value) ? tryParseJson(value) : undefined;
  if (json !== undefined) return JSON.stringify(hideJson(json, '', secrets));
  return hideNamed(value, SHORTEST_INSIDE, secrets);
}

/** A shorter value in the midst of a text, such as `code: 1`, opens nothing. */
const SHORTEST_INSIDE = 8;

function hideJson(value: unknown, name: string, secrets: SecretNames): unknown {
  if (typeof value === 'string') return hideValue(name, value, secrets);
  if (Array.isArray(value)) return value.map((item) => hideJson(item, name, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hideJson(inner, key, secrets)]));
}

function hideValue(name: string, value: string, secrets: SecretNames): string {
  if (value !== '' && publicName.test(name)) return secrets.show(value);
  return isSecret(name, value) ? secrets.nameOf(value) : hideInside(value, secrets);
}

function isSecret(name: string, value: string): boolean {
  return value !== '' && !harmless.test(name) && (oauthSecret.test(name) || isNamedSecret(name, value));
}

function shortened(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : text.slice(0, LONGEST_SHOWN) + noteOf(text.length);
}

function noteOf(length: number): string {
  return ` … (shortened from ${length} characters)`;
}
