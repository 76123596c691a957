import { legible } from '../base/legible.ts';

/** The words of a lockfile. What npm's parser would take for a path, a URL or an archive is none of them. */

const NAME = String.raw`(?:@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9_~-][A-Za-z0-9._~-]*`;
const NUMBER = '(?:0|[1-9][0-9]*)';
/** A number has no leading zeros. A part with a letter or a dash in it may begin with them. */
const PRERELEASE_PART = `(?:${NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const BUILD_PART = '[0-9A-Za-z-]+';
const TAGS = String.raw`(?:-${PRERELEASE_PART}(?:\.${PRERELEASE_PART})*)?(?:\+${BUILD_PART}(?:\.${BUILD_PART})*)?`;
/** npm takes whatever ends like an archive for the path of one, even `1.2.3-a.tgz`. */
const NO_ARCHIVE = String.raw`(?![^]*\.(?:tgz|tar\.gz|tar)$)`;
const PART = '(?:[0-9]+|[xX*])';
/** A space belongs to the operator before it, so that there is one way to read a range and nothing to backtrack. */
const COMPARATOR = String.raw`(?:(?:[<>]=?|=|~>?|\^) ?)?v?${PART}(?:\.${PART}){0,2}${TAGS}`;

export const PACKAGE_NAME = new RegExp(`^${NAME}$`);

/** Packages below packages: never absolute, never with `.` or `..` as a part. */
export const PACKAGE_PATH = new RegExp(`^node_modules/${NAME}(?:/node_modules/${NAME}){0,20}$`);

/** A version by the grammar of https://semver.org/#backusnaur-form-grammar-for-valid-semver-versions: no range, tag or alias. */
export const EXACT_VERSION = new RegExp(String.raw`^${NO_ARCHIVE}${NUMBER}\.${NUMBER}\.${NUMBER}${TAGS}$`);

/** One SHA-512 of exactly 64 bytes, whose last character leaves no bits over. */
export const HASH = /^sha512-[A-Za-z0-9+/]{85}[AQgw]==$/;

/** A range of versions as in https://github.com/npm/node-semver#ranges, without tags. */
export const VERSION_RANGE = new RegExp(
  `^${NO_ARCHIVE}(?:${COMPARATOR}(?:(?: - | ?\\|\\| ?| )${COMPARATOR}){0,20})?$`,
  'i',
);

/** What an untrusted author wrote, fit for an error message. */
export function shown(text: string): string {
  return legible(JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text));
}
