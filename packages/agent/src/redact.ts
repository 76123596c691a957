import { isNamedSecret, namedValuesIn, secretShapes } from '@sallyport/core/engine';

/**
 * Takes secrets out of text that leaves the machine as a message. The second line of defence: credentials
 * travel in separate fields, and this is for what a CLI prints on its screen.
 */
export interface Redactor {
  /** Remembers a value that must never be shown. Short ones are ignored: they would blank out ordinary words. */
  add(secret: string): void;
  redact(text: string): string;
}

const SHORTEST_SECRET = 6;
const SHORTEST_NAMED = 8;
const REPLACEMENT = '[redacted]';

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
      for (const value of namedSecretsIn(clean)) clean = clean.replaceAll(value, REPLACEMENT);
      clean = clean.replace(parameters, (_, name: string, between: string) => `${name}${between}${REPLACEMENT}`);
      return secretShapes.reduce((rest, shape) => rest.replace(shape, REPLACEMENT), clean);
    },
  };
}

/**
 * Values whose name says that they are secret, in a line of TOML, YAML or JSON. A word such as `invalid_grant` is none, and
 * neither is a sentence.
 */
function namedSecretsIn(text: string): readonly string[] {
  return namedValuesIn(text)
    .filter(({ name, value }) => isNamedSecret(name, value))
    .map(({ value }) => value)
    .filter((value) => value.length >= SHORTEST_NAMED && /^(?=.*[A-Za-z])(?=.*[0-9])\S+$/.test(value));
}
