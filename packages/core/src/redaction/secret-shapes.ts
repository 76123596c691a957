/**
 * What secrets look like that nobody has told us of: tokens of the known vendors, wherever they stand. With the flag
 * `g`, for `match`, `matchAll` and `replace`.
 */
export const secretShapes: readonly RegExp[] = [
  /** JSON web token (RFC 7519), also without its signature. */
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g,
  /** API keys and OAuth tokens: sk-…, rt-…, ya29.…, 1//…, AIza…. */
  /\b(sk|rt|at|ak)[-_.][A-Za-z0-9_-]{12,}/g,
  /\bya29\.[A-Za-z0-9_-]{12,}/g,
  /\b1\/\/[A-Za-z0-9_-]{12,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
  /** GitHub: ghp_ personal, gho_ OAuth, ghu_ and ghs_ apps, ghr_ refresh; and fine-grained personal ones. */
  /\bgh[opusr]_[A-Za-z0-9_]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{16,}/g,
];

/** Every token of a known vendor in a text, in no particular order. */
export function tokensIn(text: string): readonly string[] {
  return secretShapes.flatMap((shape) => text.match(shape) ?? []);
}
