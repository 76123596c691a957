/**
 * Takes secrets out of text that leaves the machine as a message. The second line of defence: credentials
 * travel in fields of their own, and this is for what a CLI prints on its screen.
 */
export interface Redactor {
  /** Remembers a value that must never be shown. Short ones are ignored: they would blank out ordinary words. */
  add(secret: string): void;
  redact(text: string): string;
}

const SHORTEST_SECRET = 6;
const REPLACEMENT = '[redacted]';

/** What secrets look like that nobody has told us of. */
export const secretShapes: readonly RegExp[] = [
  /** JSON web token (RFC 7519), also without its signature. */
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?/g,
  /** API keys and OAuth tokens of the known vendors: sk-…, rt-…, ya29.…, 1//…, AIza…. */
  /\b(sk|rt|at|ak)[-_.][A-Za-z0-9_-]{12,}/g,
  /\bya29\.[A-Za-z0-9_-]{12,}/g,
  /\b1\/\/[A-Za-z0-9_-]{12,}/g,
  /\bAIza[A-Za-z0-9_-]{20,}/g,
];

/** Parameters of OAuth links and callbacks whose value is a secret, or half of one (RFC 6749 §4.1, RFC 7636). */
const parameters =
  /\b(code|state|nonce|id_token|access_token|refresh_token|client_secret|code_verifier|code_challenge|api_key)(["']?\s*[=:]\s*["']?|%3D)([^\s&"'<>]+)/gi;

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    add: (secret) => {
      const value = secret.trim();
      if (value.length >= SHORTEST_SECRET) secrets.add(value);
    },
    redact: (text) => {
      let clean = text;
      // The longest first: one secret may be the beginning of another.
      for (const secret of [...secrets].toSorted((a, b) => b.length - a.length)) {
        clean = clean.replaceAll(secret, REPLACEMENT);
      }
      clean = clean.replace(parameters, (_, name: string, between: string) => `${name}${between}${REPLACEMENT}`);
      return secretShapes.reduce((rest, shape) => rest.replace(shape, REPLACEMENT), clean);
    },
  };
}
