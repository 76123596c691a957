import type { LoginMethod } from '../provider/login-method.ts';
import { matchText } from '../provider/matcher.ts';
import type { Matcher } from '../provider/matcher.ts';
import { continuesBelow, joinRows, matchWhole } from './hard-wrap.ts';
import type { WholeValue } from './hard-wrap.ts';
import type { ScreenView } from './observation.ts';
import { leadToListener } from './own-listener.ts';
import { guardUrl } from './url-guard.ts';
import type { GuardedUrl } from '../contracts/guarded-url.ts';

type UrlRule = NonNullable<LoginMethod['url']>;
/** `page`: none of the CLI, but what the manifest says in its place. */
export type LinkSource = UrlRule['sources'][number] | 'page';

export interface FoundLink {
  readonly url: GuardedUrl;
  readonly source: LinkSource;
  /** Device code: what the user types on the page. */
  readonly userCode: string | undefined;
  /** False where more output may still lengthen the link: it counts once it has stayed the same for a while. */
  readonly settled: boolean;
}

/**
 * The sign-in link that a screen shows, from the best source that has one. Links that fail the guard are plain
 * text. Of several the last one counts, because a CLI that starts over prints a new one below.
 *
 * @param port Where the CLI listens, if that is known.
 */
export function findLink(method: LoginMethod, screen: ScreenView, port?: number): FoundLink | undefined {
  const { url: rule } = method;
  if (!rule) return undefined;
  const text = screenText(screen);
  const userCode =
    method.userCode && (matchCode(method, method.userCode, text) ?? copiedCode(method, method.userCode, screen));
  if (method.userCode && userCode === undefined) return undefined;
  for (const source of rule.sources) {
    if (source === 'browser-shim') continue;
    const found =
      source === 'text' ? lastTextLink(method, text, port) : lastLink(method, linksFrom(source, screen), port);
    if (found) return { ...found, source, userCode };
  }
  const page = userCode === undefined || rule.page === undefined ? undefined : guarded(method, rule.page, undefined);
  return page && { url: page, source: 'page', userCode, settled: rule.sources.length === 0 };
}

/** A message has no rows: of a JSON-RPC connection each line is one fact. */
function matchCode({ drive, url }: LoginMethod, code: Matcher, printed: string): string | undefined {
  const text = withHyphens(printed);
  return drive.kind === 'terminal' ? matchWhole(code, text, url?.textAfter) : matchText(code, text);
}

/** A code with a dash that only looks like the hyphen of its vendor: typography, or a terminal font that draws them alike. */
function withHyphens(text: string): string {
  return text.replace(/[\u2010-\u2015\u2212\ufe58\ufe63\uff0d](?<=[A-Z0-9].)(?=[A-Z0-9])/g, '-');
}

/** Why the last link of a screen on which no link passes the guard was refused. Safe to show. */
export function refusedLink(method: LoginMethod, screen: ScreenView, port?: number): string | undefined {
  const { url: rule } = method;
  if (!rule || findLink(method, screen, port)) return undefined;
  const text = screenText(screen);
  const printed = rule.sources.includes('text') ? linksIn(text) : [];
  const shown = [...printed.map(([found]) => found), ...(rule.sources.includes('osc8') ? screen.links : [])];
  const last = shown.at(-1);
  const verdict =
    last === undefined
      ? undefined
      : guardUrl(leadToListener(withoutPunctuation(last), method.callback, port), rule, method.callback);
  if (verdict?.ok === false) return verdict.reason;
  const broken = printed.some((candidate) => guarded(method, candidate[0], port) && isBroken(method, text, candidate));
  return broken ? 'the CLI broke it over several lines, so that its end is not known' : undefined;
}

const texts = new WeakMap<ScreenView, string>();

/** All lines as one text. Remembered, since every step of the engine asks for it, and a wide screen is large. */
export function screenText(screen: ScreenView): string {
  const known = texts.get(screen);
  if (known !== undefined) return known;
  const text = screen.lines.join('\n');
  texts.set(screen, text);
  return text;
}

type Found = Pick<FoundLink, 'url' | 'settled'>;

function linksFrom(source: LinkSource, { links, clipboard = [] }: ScreenView): readonly string[] {
  return source === 'osc52' ? clipboard.flatMap((copied) => linksIn(copied).map(([found]) => found)) : links;
}

/** What is copied is whole: no row of a screen breaks it. */
function copiedCode({ url }: LoginMethod, code: Matcher, { clipboard = [] }: ScreenView): string | undefined {
  if (!url?.sources.includes('osc52')) return undefined;
  return clipboard.toReversed().flatMap((copied) => matchText(code, withHyphens(copied)) ?? [])[0];
}

/** A hyperlink sequence, or a value of a message, is complete or not there at all. */
function lastLink(method: LoginMethod, links: readonly string[], port: number | undefined): Found | undefined {
  for (const target of links.toReversed()) {
    const url = guarded(method, target, port);
    if (url) return { url, settled: true };
  }
  return undefined;
}

/** A link in text may be cut off by the end of what has arrived, and would still look complete. */
function lastTextLink(method: LoginMethod, text: string, port: number | undefined): Found | undefined {
  const after = method.url?.textAfter;
  for (const candidate of linksIn(text).toReversed()) {
    const found = wholeLink(method, text, candidate);
    const url = found && guarded(method, withoutPunctuation(found.value), port);
    if (!url) continue;
    if (!after) return { url, settled: false };
    if (matchText(after, text.slice(found.end)) !== undefined) return { url, settled: true };
  }
  return undefined;
}

/** The link, with the rows over which its CLI has broken it. */
function wholeLink(method: LoginMethod, text: string, candidate: RegExpExecArray): WholeValue | undefined {
  const { 0: value, index } = candidate;
  const end = index + value.length;
  return isBroken(method, text, candidate) ? joinRows(text, value, end, method.url?.textAfter) : { value, end };
}

function isBroken({ url }: LoginMethod, text: string, { 0: link, index }: RegExpExecArray): boolean {
  return continuesBelow(text, link, index + link.length, url?.textAfter);
}

function linksIn(text: string): readonly RegExpExecArray[] {
  return [...text.matchAll(/https:\/\/[^\s"<>`\u0080-\uffff]+/g)];
}

/** A link at the end of a sentence. */
function withoutPunctuation(link: string): string {
  return link.replace(/[.,;:!?'")\]]+$/, '');
}

function guarded(method: LoginMethod, raw: string, port: number | undefined): GuardedUrl | undefined {
  const { url: rule, callback } = method;
  const verdict = rule && guardUrl(leadToListener(raw, callback, port), rule, callback);
  return verdict?.ok ? verdict.url : undefined;
}
